//! What the suites are made of: the real programs, started; a network that loses or lies; and participants gone bad.
//!
//! ```text
//!   ObservedClient (Member or Page) ---> Relay: tells it of other rooms than there are ---> Server, the real one
//!                  |---- UDP ----> LossyLink: datagrams get lost ----------------------------^  ^  ^  ^
//!                  |-------------> Wiretap: notes what the server sees of it ------------------^  |  |  |
//!                  '-------------> HostileDelivery: gives it another log than there is ---------'  |  |
//!   Ghost: a LiveKit participant with a token that the operator minted, and a script --------------'  |
//!   Outsider: has keys of the link, all but the PSK or it too, and writes into the log ---------------|
//!   Vandal: has the link, is in no group, and fills the log with what nobody can open ----------------|
//!   PageRelay: gives it another page than there is -----------------------------------------------|
//!   ReadableMember: makes a meeting, writes and sends as a member does, and seals nothing ------------'
//! ```
//!
//! What runs is what people run; what stands in for an attacker is written here, with `protocol` and `livekit_client`, and nothing in the
//! programs helps it. Only `conclave_mls::hostile`, which no client enables, makes commits that an honest client would not.
//! Every wait is for a condition, with a deadline. `browser/` holds what the scripts share that drive browsers.

mod background;
mod balancer;
mod clock;
mod desktop;
mod front;
mod ghost;
mod guess;
mod hostile_delivery;
mod identity;
mod line;
mod link_keys;
mod log_connection;
mod lossy_link;
mod meeting;
mod member;
mod observed_client;
mod outsider;
mod page;
mod page_relay;
mod plan;
mod readable_member;
pub mod relay;
pub mod rogue_sender;
mod scene;
mod script;
mod server;
mod site;
mod stdout;
mod vandal;
mod wiretap;

pub use balancer::Balancer;
pub use clock::now;
pub use desktop::Desktop;
pub use ghost::{Cue, Ghost, GhostHandle};
pub use guess::Guess;
pub use hostile_delivery::{HostileDelivery, Instead, Lie};
pub use identity::{Identity, verify_each_other};
pub use line::Line;
pub use link_keys::LinkKeys;
pub use log_connection::Challenged;
pub use lossy_link::LossyLink;
pub use meeting::{make, make_as_host, until_expired};
pub use member::{Member, create, create_with};
pub use observed_client::{Client, Observations, ObservedClient, Report};
pub use outsider::{Outsider, epoch_keys, media_keys};
pub use page::Page;
pub use page_relay::{Answered, Asked, PageRelay};
pub use plan::Plan;
pub use readable_member::ReadableMember;
pub use relay::Relay;
pub use scene::Scene;
pub use script::Script;
pub use server::Server;
pub use site::Site;
pub use stdout::Stdout;
pub use vandal::{Vandal, connect_from};
pub use wiretap::{Channel, Seen, Wiretap};

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

/// How long a condition may take before a test gives up. Generous: the machine may be busy with both cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program of ours, in the folder that `cargo xtask` names, or beside this test's own.
pub fn program(name: &str) -> PathBuf {
    let dir = std::env::var_os("CONCLAVE_BIN_DIR").map_or_else(
        || {
            let test = std::env::current_exe().unwrap_or_default();
            test.ancestors().nth(2).map(PathBuf::from).unwrap_or_default()
        },
        PathBuf::from,
    );
    dir.join(name)
}

/// The address that media uses: `cargo xtask` gives that of a veth pair, since libwebrtc ignores loopback.
pub fn address() -> String {
    std::env::var("CONCLAVE_TEST_ADDRESS").unwrap_or_else(|_| Ipv4Addr::LOCALHOST.to_string())
}

/// A TCP port that is free now.
pub fn free_tcp_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A UDP port that is free now.
pub fn free_udp_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port())
}

/// Fresh random bytes.
fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(bytes)
}
