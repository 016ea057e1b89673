//! Starts the real programs for the suites: the server, native members, and scripts that drive browsers.
//!
//! Nothing here stands in for anything: what runs is what people run. Every wait is for a condition, with a deadline.

mod line;
mod lines;
mod member;
mod script;
mod server;

pub use line::Line;
pub use lines::Lines;
pub use member::{Member, create, create_with};
pub use script::script;
pub use server::Server;

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
