//! The page that people use, in a Chromium of its own: `tests/attacks/victim.mjs` prints what it shows, as the native client does.

use std::process::{Child, Command};

use conclave_kit::{Lines, PATIENCE, script};
use serde_json::Value;

/// A running page; its browser is closed on drop.
#[derive(Debug)]
pub struct Page {
    child: Child,
    events: Lines,
    name: String,
}

impl Page {
    /// Joins as `name`. The first alarm on the screen is kept as the picture `out/screens/attack-<shot>.png`.
    pub fn join(link: &str, name: &str, shot: &str) -> anyhow::Result<Self> {
        let (child, events) = script("tests/attacks/victim.mjs", &[("LINK", link), ("NAME", name), ("SHOT", shot)])?;
        Ok(Self { child, events, name: name.to_owned() })
    }

    /// The first event, not looked at before, that `pick` takes something from.
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Value) -> Option<T>) -> anyhow::Result<T> {
        let what = format!("{}: {what}", self.name);
        self.events.wait(&what, PATIENCE, |line| serde_json::from_str(line).ok().and_then(|event| pick(&event)))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Asked, so that it takes its browser and its profile with it; whoever is gone already needs no asking.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _gone = self.child.kill();
        }
        let _status = self.child.wait();
    }
}
