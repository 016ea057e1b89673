//! The test suites, in the order that finds mistakes soonest and starts browsers last.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::{bench, netns, run, setup, sh, web};

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

    const fn name(self) -> &'static str {
        match self {
            Self::Attacks => "attacks",
            Self::Canary => "canary",
            Self::Interop => "interop",
            Self::E2e => "e2e",
        }
    }

    fn folder(self, root: &Path) -> PathBuf {
        root.join("tests").join(self.name())
    }
}

/// The scene of `tests/e2e` that runs on the optimised server.
const HOSTED: &str = "meeting";
/// The test of tests/attacks that listens at the server for when packets come.
const LISTENS: &str = "who_speaks";
/// Stands in the name of each test of tests/attacks that starts a browser.
const IN_A_BROWSER: &str = "in_a_browser";
/// How many tests of tests/attacks that start none run at once.
const NATIVELY_AT_ONCE: usize = 3;
/// The test of tests/interop that needs Go.
const GO: &str = "go";
/// The tests that need LiveKit's server.
const ON_LIVEKIT: [&str; 3] = ["livekit", "load", "remains"];
/// The test some of which needs it.
const ALSO_ON_LIVEKIT: &str = "nodes";
/// The test of tests/e2e in which one thing after the other fails.
const CLUSTER: &str = "cluster";
/// The test of tests/e2e that walks at random.
const WALKS: &str = "walks";

/// Meetings that `cargo xtask test` simulates at most, and for how many seconds it goes on to begin some.
const SIMULATED: u64 = 2000;
const SIMULATED_WITHIN: u64 = 90;

/// A compiled test.
pub(crate) struct Test {
    /// Of its crate; it runs there.
    folder: PathBuf,
    name: String,
    program: PathBuf,
}

pub(crate) fn test(root: &Path) -> anyhow::Result<()> {
    formatting(root)?;
    setup::for_tests(root)?;
    let targets = targets(root, &Suite::ALL)?;
    web::build_beside(root, || build(root, "building the client and the suites", &targets).map(drop))?;
    lints(root)?;
    sh::step("web unit tests", setup::node("npm").current_dir(root.join("apps/web")).args(["test", "--silent"]))?;
    let tests = build(root, "building all tests", &["--all-targets"])?;
    run::check(root)?;
    // The longest scene of browsers runs once, on the server that people host.
    let (hosted, tests): (Vec<_>, Vec<_>) =
        tests.into_iter().partition(|test| test.name == HOSTED && test.folder == Suite::E2e.folder(root));
    let suites = Suite::ALL.map(|suite| suite.folder(root));
    for unit in tests.iter().filter(|test| !suites.contains(&test.folder)) {
        sh::run(program(unit).arg("--quiet"))?;
    }
    hold(root, SIMULATED, 1, Some(SIMULATED_WITHIN))?;
    sh::step("examples in docs", cargo(root).args(["test", "--workspace", "--doc", "--quiet"]))?;
    for suite in Suite::ALL {
        run_suite(root, suite, &tests, None)?;
    }
    hosted_meeting(root, &hosted)
}

pub(crate) fn tidy(root: &Path) -> anyhow::Result<()> {
    formatting(root)?;
    lints(root)
}

fn formatting(root: &Path) -> anyhow::Result<()> {
    sh::step("formatting", cargo(root).args(["fmt", "--all", "--check"]))
}

fn lints(root: &Path) -> anyhow::Result<()> {
    sh::step("clippy", cargo(root).args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    let web = root.join("apps/web");
    sh::step("web types", setup::node("npm").current_dir(&web).args(["run", "--silent", "typecheck"]))?;
    sh::step("web lints", setup::node("npm").current_dir(&web).args(["run", "--silent", "lint"]))
}

/// `livekit`: a LiveKit server carries the media.
pub(crate) fn one(root: &Path, suite: Suite, livekit: bool) -> anyhow::Result<()> {
    run_suite(root, suite, &build_suite(root, suite)?, livekit_if(root, livekit)?.as_deref())
}

fn livekit_if(root: &Path, wanted: bool) -> anyhow::Result<Option<PathBuf>> {
    if !wanted {
        return Ok(None);
    }
    Ok(Some(bench::livekit(root)?.context("there is no LiveKit server to test with")?))
}

/// Members talk while one thing after the other fails under them.
pub(crate) fn soak_cluster(root: &Path, minutes: u32, livekit: bool) -> anyhow::Result<()> {
    let livekit = livekit_if(root, livekit)?;
    let test = build_test(root, Suite::E2e, CLUSTER)?;
    let mut command = suite_program(&test, &root.join("target/debug"));
    command.arg("--ignored").env("CONCLAVE_MINUTES", minutes.to_string());
    command.envs(livekit.map(|livekit| ("CONCLAVE_TEST_LIVEKIT", livekit)));
    sh::step("members on nodes that fail", &mut netns::wrap(&command))
}

/// Random walks, one for each seed from `first` on.
pub(crate) fn soak(root: &Path, walks: u32, first: u32) -> anyhow::Result<()> {
    let seeds: Vec<_> = (first..).take(walks as usize).map(|seed| seed.to_string()).collect();
    let test = build_test(root, Suite::E2e, WALKS)?;
    let mut command = suite_program(&test, &root.join("target/debug"));
    command.arg("--ignored").env("CONCLAVE_WALKS", seeds.join(" "));
    sh::step("random walks", &mut netns::wrap(&command))
}

/// The tests of LiveKit's Go SDK, which take minutes.
pub(crate) fn interop_with_go(root: &Path) -> anyhow::Result<()> {
    let test = build_test(root, Suite::Interop, GO)?;
    sh::step("LiveKit's Go SDK", suite_program(&test, &root.join("target/debug")).arg("--ignored"))
}

/// Every state of larger meetings than those that are tests.
pub(crate) fn model(root: &Path) -> anyhow::Result<()> {
    let scopes = ["--include-ignored", "--nocapture", "--test-threads=1"];
    sh::step("every state", cargo(root).args(["test", "--package", "conclave-model", "--"]).args(scopes))
}

/// Simulated meetings, one for each seed from `from` on.
pub(crate) fn sim(root: &Path, seeds: u64, from: u64) -> anyhow::Result<()> {
    build(root, "building the simulator", &["--bin", "conclave-sim"])?;
    hold(root, seeds, from, None)
}

fn hold(root: &Path, seeds: u64, from: u64, within: Option<u64>) -> anyhow::Result<()> {
    let mut command = Command::new(root.join("target/debug/conclave-sim"));
    command.current_dir(root).args(["--seeds", &seeds.to_string(), "--from", &from.to_string()]);
    if let Some(seconds) = within {
        command.args(["--within", &seconds.to_string()]);
    }
    sh::step("simulated meetings", &mut command)
}

/// Builds one suite and what it needs; gives its tests.
fn build_suite(root: &Path, suite: Suite) -> anyhow::Result<Vec<Test>> {
    setup::for_tests(root)?;
    let mut targets = targets(root, &[suite])?;
    web::build_beside(root, || build(root, "building the client and the suite", &targets).map(drop))?;
    targets.extend(["--bin", "conclave", "--bin", "conclave-desktop"].map(str::to_owned));
    build(root, "building what has the page in it", &targets)
}

/// The same; gives one of its tests.
fn build_test(root: &Path, suite: Suite, name: &str) -> anyhow::Result<Test> {
    let test = build_suite(root, suite)?.into_iter().find(|test| test.name == name);
    test.with_context(|| format!("tests/{} has no {name}", suite.name()))
}

/// Cargo's arguments for the tests of `suites` and the client, which is all that they need but the server.
fn targets(root: &Path, suites: &[Suite]) -> anyhow::Result<Vec<String>> {
    let mut targets = ["--bin", "conclave-client"].map(str::to_owned).to_vec();
    for suite in suites {
        for file in fs::read_dir(suite.folder(root).join("tests"))? {
            let path = file?.path();
            let name = path.file_stem().filter(|_| path.is_file()).and_then(|name| name.to_str());
            targets.extend(name.into_iter().flat_map(|name| ["--test".to_owned(), name.to_owned()]));
        }
    }
    Ok(targets)
}

/// Compiles `targets` of the workspace. Cargo chooses the features of a dependency for all packages that are named: naming the whole workspace each
/// time is what has it compile each of them once.
pub(crate) fn build(root: &Path, title: &str, targets: &[impl AsRef<OsStr>]) -> anyhow::Result<Vec<Test>> {
    let mut command = cargo(root);
    command.args(["build", "--workspace", "--message-format=json-render-diagnostics"]).args(targets);
    let output = sh::read(title, &mut command)?;
    let artifacts = output.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>().context("what Cargo built")?;
    Ok(artifacts.iter().filter(|artifact| artifact["profile"]["test"] == true).filter_map(compiled).collect())
}

/// The test that one of Cargo's messages tells of.
fn compiled(artifact: &Value) -> Option<Test> {
    Some(Test {
        folder: Path::new(artifact["manifest_path"].as_str()?).parent()?.to_path_buf(),
        name: artifact["target"]["name"].as_str()?.to_owned(),
        program: artifact["executable"].as_str()?.into(),
    })
}

/// As Cargo starts it.
fn program(test: &Test) -> Command {
    let mut command = setup::node(&test.program.to_string_lossy());
    command.current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder);
    command
}

fn run_suite(root: &Path, suite: Suite, tests: &[Test], livekit: Option<&Path>) -> anyhow::Result<()> {
    let folder = suite.folder(root);
    let tests: Vec<_> = tests.iter().filter(|test| test.folder == folder).collect();
    let programs = root.join("target/debug");
    let title = |test: &Test| format!("{} {}", suite.name(), test.name);
    let suite_program = |test: &Test| {
        let mut command = suite_program(test, &programs);
        if let Some(livekit) = livekit {
            command.env("CONCLAVE_TEST_LIVEKIT", livekit);
            if ON_LIVEKIT.contains(&test.name.as_str()) {
                command.arg("--ignored");
            } else if test.name == ALSO_ON_LIVEKIT {
                command.arg("--include-ignored");
            }
        }
        command
    };
    match suite {
        // It fetches other people's clients, so it starts outside and makes its namespace itself.
        Suite::Interop => tests.iter().try_for_each(|test| sh::step(&title(test), &mut suite_program(test))),
        Suite::Attacks => {
            // It reads the server's clock: nothing else may run.
            let (alone, others): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| test.name == LISTENS);
            for test in alone {
                sh::step(&title(test), &mut netns::wrap(&suite_program(test)))?;
            }
            let half = |test: &Test, args: &[&str]| netns::wrap(suite_program(test).args(args));
            // Most of the time they wait.
            sh::steps(others.iter().map(|test| (title(test), half(test, &["--skip", IN_A_BROWSER]))).collect(), NATIVELY_AT_ONCE)?;
            for test in others {
                if has_tests(test, IN_A_BROWSER)? {
                    sh::step(&format!("{} in a browser", title(test)), &mut half(test, &[IN_A_BROWSER]))?;
                }
            }
            Ok(())
        }
        Suite::Canary | Suite::E2e => tests.iter().try_for_each(|test| sh::step(&title(test), &mut netns::wrap(&suite_program(test)))),
    }
}

/// Whether it has tests whose names contain `part`.
fn has_tests(test: &Test, part: &str) -> anyhow::Result<bool> {
    let output = program(test).args(["--list", part]).output().with_context(|| test.name.clone())?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().any(|line| line.ends_with(": test")))
}

/// One thread: each of these tests starts browsers or fills both cores by itself.
fn suite_program(test: &Test, programs: &Path) -> Command {
    let mut command = program(test);
    command.args(["--test-threads=1", "--nocapture"]);
    command.env("CONCLAVE_BIN_DIR", programs).env("CONCLAVE_TEST_ADDRESS", netns::ADDRESS);
    command
}

/// A meeting of browsers on the server that people host: optimised, with the page inside it.
fn hosted_meeting(root: &Path, tests: &[Test]) -> anyhow::Result<()> {
    let meeting = tests.first().with_context(|| format!("tests/e2e has no {HOSTED}"))?;
    sh::step(
        "building the optimised server",
        cargo(root).args(["build", "--release", "--package", "conclave-server", "--bin", "conclave"]),
    )?;
    // Its page must come out of itself; the client beside it is that of the other tests.
    let programs = root.join("target/hosted");
    fs::create_dir_all(&programs)?;
    for (built, name) in [("release", "conclave"), ("debug", "conclave-client")] {
        fs::copy(root.join("target").join(built).join(name), programs.join(name))?;
    }
    sh::step("e2e meeting, optimised", &mut netns::wrap(&suite_program(meeting, &programs)))
}

fn cargo(root: &Path) -> Command {
    let mut command = setup::node("cargo");
    command.current_dir(root);
    command
}
