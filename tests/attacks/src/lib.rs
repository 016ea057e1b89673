//! The operator of a server, gone bad, and somebody with a link, gone bad: what tests/attacks/tests have them do.
//!
//! ```text
//!   Victim (conclave-client or the page) ---> Relay: tells it of other rooms than there are ---> the real server
//!   Member ------------------------------------------------------------------------------->      ^  ^
//!   Stranger: a LiveKit participant with a token that the operator minted -----------------------'  |
//!   Outsider: knows the envelope key but not the PSK, writes into the log --------------------------'
//! ```
//!
//! The operator holds the media server's API secret and stands between the server and whomever it likes. What it cannot do is change the
//! client: every attack runs against the program that people run.
//!
//! Architecture invariant: production code has no hook for these tests; only `conclave_mls::hostile`, which no client enables, makes commits that
//! an honest client would not.

mod clock;
pub mod outsider;
pub mod page;
pub mod plain;
pub mod relay;
pub mod scene;
pub mod stranger;
pub mod watched;

pub use clock::now;
pub use outsider::Outsider;
pub use relay::Relay;
pub use scene::Scene;
pub use stranger::{Cue, Stage, Stranger};
pub use watched::{Client, Seen, Watched};
