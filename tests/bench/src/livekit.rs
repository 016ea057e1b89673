use std::path::Path;

use conclave_engines::{LiveKit, Settings};
use conclave_kit::Server;

/// What its figures are called.
pub(crate) const NAME: &str = "livekit-server-1.13.5";
/// What a report says where it is missing.
pub(crate) const MISSING: &str = "LiveKit's server was not there to compare with: install Go (https://go.dev/dl) and run this again; until then its figures are left out.";

/// LiveKit's own server, with the key of [`Server`].
pub(crate) fn start(program: &Path) -> anyhow::Result<LiveKit> {
    LiveKit::start(program, Settings::by_itself(Server::KEY, Server::SECRET))
}
