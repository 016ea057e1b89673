//! `conclave serve`: the shell around the server's brain (`rooms`) and its media server (`livekit`).
//!
//! Architecture invariant: links neither `group` nor `frames`, directly or through others: it cannot decrypt, because the code is not in it.

mod clock;
mod media;
mod rtc;
mod udp;
