//! The page that people use, in a Chromium of its own: `tests/kit/browser/observed-page.mjs` prints what it shows, as the native client does.

use serde_json::Value;

use crate::{PATIENCE, Script};

/// A running page; its browser is closed on drop.
#[derive(Debug)]
pub struct Page {
    script: Script,
    name: String,
}

impl Page {
    /// Joins as `name`. The first alarm on the screen is kept as the picture `out/screens/attack-<shot>.png`.
    pub fn join(link: &str, name: &str, shot: &str) -> anyhow::Result<Self> {
        Self::start(name, &[("LINK", link), ("NAME", name), ("SHOT", shot)])
    }

    /// Joins as `name` with camera and microphone, and switches them off and on when somebody asks for it in the chat.
    pub fn join_and_send(link: &str, name: &str) -> anyhow::Result<Self> {
        Self::start(name, &[("LINK", link), ("NAME", name), ("SENDS", "1")])
    }

    fn start(name: &str, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let script = Script::start("tests/kit/browser/observed-page.mjs", env)?;
        Ok(Self { script, name: name.to_owned() })
    }

    /// The first event, not looked at before, that `pick` takes something from.
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Value) -> Option<T>) -> anyhow::Result<T> {
        let what = format!("{}: {what}", self.name);
        self.script.lines.wait(&what, PATIENCE, |line| serde_json::from_str(line).ok().and_then(|event| pick(&event)))
    }
}
