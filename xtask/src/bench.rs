//! `cargo xtask bench`: builds optimised programs and whatever they are compared with, and measures in a network of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{netns, setup, sh, web};

/// What can be measured by itself, as `tests/bench` has it.
pub(crate) const AREAS: [&str; 11] = ["join", "sfu", "memory", "page", "snapshot", "commit", "lockout", "attest", "rtp", "group", "rush"];
/// LiveKit's own media server, from the Go module proxy; `tests/bench` names the version in its figures.
const LIVEKIT: &str = "github.com/livekit/livekit-server/cmd/server";
const LIVEKIT_VERSION: &str = "v1.13.5";

pub(crate) fn run(root: &Path, area: Option<&str>) -> anyhow::Result<()> {
    setup::for_tests(root)?;
    web::build(root)?;
    sh::step(
        "building conclave, optimised",
        Command::new("cargo").current_dir(root).args([
            "build",
            "--release",
            "--package",
            "conclave-server",
            "--package",
            "conclave-cli",
            "--bins",
        ]),
    )?;
    // By itself: with it, the programs would be built with what only tests need. Optimised, since it simulates whole meetings.
    sh::step(
        "building what measures",
        Command::new("cargo").current_dir(root).args(["build", "--quiet", "--release", "--package", "conclave-bench"]),
    )?;
    let mut command = setup::node(&root.join("target/release/conclave-bench").to_string_lossy());
    command.current_dir(root).args(area);
    if area.is_none_or(|area| matches!(area, "sfu" | "memory"))
        && let Some(livekit) = livekit(root)?
    {
        command.arg("--livekit").arg(livekit);
    }
    command.env("CONCLAVE_BIN_DIR", root.join("target/release")).env("CONCLAVE_TEST_ADDRESS", netns::ADDRESS);
    sh::run(&mut netns::wrap(&command))
}

/// LiveKit's server in `target/bench`, fetched and built the first time; none without Go, which is said.
pub(crate) fn livekit(root: &Path) -> anyhow::Result<Option<PathBuf>> {
    // A folder for each version: another one is fetched, not taken for this one.
    let home = root.join("target/bench").join(LIVEKIT_VERSION);
    let program = home.join("server");
    if program.exists() {
        return Ok(Some(program));
    }
    if sh::output("go", &["version"]).is_none() {
        sh::say("Go is missing (https://go.dev/dl): no LiveKit server to compare with, so these figures will have no baseline");
        return Ok(None);
    }
    sh::step(
        "building LiveKit's server",
        Command::new("go").env("GOBIN", &home).args(["install", &format!("{LIVEKIT}@{LIVEKIT_VERSION}")]),
    )?;
    Ok(Some(program))
}
