//! `conclave serve`: the shell around the server's brain (`rooms`) and its media server (`livekit`).
//!
//! Architecture invariant: links neither `group` nor `frames`, directly or through others: it cannot decrypt, because the code is not in it.

mod args;
mod clock;
mod media;
mod page;
mod rtc;
mod store;
mod udp;
