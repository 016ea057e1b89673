//! A server that ends each session after a time, on the page.

use conclave_kit::{Plan, Script, Server};

/// The end is told at once, and comes when all were inside for a while.
#[test]
fn people_are_told_of_the_end_before_it_comes_and_meet_again_by_the_same_link() -> anyhow::Result<()> {
    let plan = Plan::of(r#"{"people": 50, "minutes": 1.2, "meetings_a_day": 2}"#)?;
    let server = Server::start_with(plan.variables())?;
    Script::start("tests/e2e/scenes/plans.mjs", &[("URL", &server.url)])?.end()
}
