//! What a browser downloads, as it is really served, and how long that takes on a slow line.

use std::time::Duration;

use anyhow::Context as _;
use conclave_kit::{Script, Server, create};
use serde_json::Value;

use crate::report::{Figure, Report};

const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let mut script = Script::start("tests/bench/pages/page.mjs", &[("SERVER", &server.url), ("LINK", &link)])?;
    let sizes: Value = script.lines.wait("the sizes of the page", PATIENCE, |line| {
        let told: Value = serde_json::from_str(line).ok()?;
        told.get("wasm").is_some().then_some(told)
    })?;
    script.end()?;
    for part in ["start", "meeting", "wasm"] {
        let bytes = sizes[part].as_f64().with_context(|| format!("no size of {part}"))?;
        report.add(Figure::cost(format!("page.{part}_br"), bytes / 1000.0, "kB"))?;
    }
    for what in ["typable", "joinable"] {
        let ms = sizes[what].as_f64().with_context(|| format!("not told when it is {what}"))?;
        report.add(Figure::cost(format!("page.slow_{what}"), ms, "ms"))?;
    }
    Ok(())
}
