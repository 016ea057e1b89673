//! The test suites, in the order that finds mistakes soonest and starts browsers last.

use std::path::Path;
use std::process::Command;

use crate::{netns, run, setup, sh, web};

/// A suite that needs real programs around it and a network of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Attacks,
    Canary,
    Interop,
    E2e,
}

impl Suite {
    const ALL: [Self; 4] = [Self::Attacks, Self::Canary, Self::Interop, Self::E2e];

    const fn package(self) -> &'static str {
        match self {
            Self::Attacks => "conclave-attacks",
            Self::Canary => "conclave-canary",
            Self::Interop => "conclave-interop",
            Self::E2e => "conclave-e2e",
        }
    }
}

pub(crate) fn test(root: &Path) -> anyhow::Result<()> {
    setup::for_tests(root)?;
    web::build(root)?;
    tidy(root)?;
    sh::step("web unit tests", setup::node("npm").current_dir(root.join("apps/web")).args(["test", "--silent"]))?;
    let mut unit = cargo(root);
    unit.args(["test", "--workspace"]);
    for suite in Suite::ALL {
        unit.args(["--exclude", suite.package()]);
    }
    sh::step("unit tests", &mut unit)?;
    run::build_binaries(root)?;
    for suite in Suite::ALL {
        run_suite(root, suite)?;
    }
    Ok(())
}

pub(crate) fn tidy(root: &Path) -> anyhow::Result<()> {
    sh::step("formatting", cargo(root).args(["fmt", "--all", "--check"]))?;
    sh::step("clippy", cargo(root).args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let web = root.join("apps/web");
    sh::step("web types", setup::node("npm").current_dir(&web).args(["run", "--silent", "typecheck"]))?;
    sh::step("web lints", setup::node("npm").current_dir(&web).args(["run", "--silent", "lint"]))
}

pub(crate) fn one(root: &Path, suite: Suite) -> anyhow::Result<()> {
    setup::for_tests(root)?;
    web::build(root)?;
    run::build_binaries(root)?;
    run_suite(root, suite)
}

/// One thread: each of these tests starts browsers or fills both cores by itself.
fn run_suite(root: &Path, suite: Suite) -> anyhow::Result<()> {
    let mut command = cargo(root);
    command.args(["test", "--package", suite.package(), "--", "--test-threads=1", "--nocapture"]);
    command.env("CONCLAVE_BIN_DIR", root.join("target/debug")).env("CONCLAVE_TEST_ADDRESS", netns::ADDRESS);
    if suite == Suite::Interop {
        // It fetches other people's clients, so it starts outside and makes its namespace itself.
        return sh::step(suite.package(), &mut command);
    }
    // Building needs the network, running needs ours.
    sh::run(cargo(root).args(["test", "--quiet", "--no-run", "--package", suite.package()]))?;
    sh::step(suite.package(), &mut netns::wrap(&command)?)
}

fn cargo(root: &Path) -> Command {
    let mut command = setup::node("cargo");
    command.current_dir(root);
    command
}
