//! The browser that shows the page.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::{Child, Command};

use crate::state::forget_scripts;

/// Those that have a window without an address bar.
const OF_CHROMIUM: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "brave-browser", "microsoft-edge-stable"];
/// How often is looked whether the browser still has its profile open.
const LOOK: Duration = Duration::from_millis(500);

/// What is started.
#[derive(Debug)]
pub(crate) enum Browser {
    /// In a window and a profile of its own.
    App { program: PathBuf, profile: PathBuf },
    /// The desktop's own, in a tab.
    Tab,
    /// None: the address is printed.
    None,
}

impl Browser {
    pub(crate) fn choose(named: Option<PathBuf>, none: bool, state: &Path) -> Self {
        let profile = state.join("browser");
        match named.or_else(|| OF_CHROMIUM.iter().find_map(|name| found(name))) {
            _ if none => Self::None,
            Some(program) => Self::App { program, profile },
            None => Self::Tab,
        }
    }

    /// For its user: what shows the page, and what that means.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::App { program, .. } => format!(
                "The page opens in {}, in a window and a profile of its own, without extensions. This program vouches for the page, not for that browser.",
                program.display()
            ),
            Self::Tab => "No browser of Chromium's kin was found, so the page opens in your own, with its extensions, and what other pages left in it. \
                          This program vouches for the page, not for that browser. Stop it with Ctrl+C."
                .to_owned(),
            Self::None => "Open this address in a browser on this machine; it works once, for two minutes. Whoever reads it first can be you.".to_owned(),
        }
    }

    /// Before the first window: nothing of an earlier time stands between the browser and this program.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        if let Self::App { profile, .. } = self { forget_scripts(profile) } else { Ok(()) }
    }

    /// Opens a window; ends when that browser has none of this profile any more. The desktop's own is not waited for.
    pub(crate) async fn show(&self, url: &str) -> anyhow::Result<()> {
        match self {
            Self::App { program, profile } => {
                let mut command = Command::new(program);
                let profile_option = format!("--user-data-dir={}", profile.display());
                command.args([&format!("--app={url}"), &profile_option]);
                command.args(["--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync"]);
                spawn(&mut command, program)?.wait().await?;
                // A second one hands over to the first, and ends.
                while is_open(profile) {
                    tokio::time::sleep(LOOK).await;
                }
                Ok(())
            }
            Self::Tab => {
                spawn(Command::new("xdg-open").arg(url), Path::new("xdg-open"))?;
                std::future::pending().await
            }
            Self::None => {
                crate::serve::say(url)?;
                std::future::pending().await
            }
        }
    }
}

/// Whether a browser has this profile open: Chromium says which process does, and leaves that behind when it is killed.
fn is_open(profile: &Path) -> bool {
    let owner = std::fs::read_link(profile.join("SingletonLock")).unwrap_or_default();
    let process = owner.to_str().and_then(|owner| owner.rsplit_once('-')).map(|(_, process)| Path::new("/proc").join(process));
    process.is_some_and(|process| process.exists())
}

fn spawn(command: &mut Command, program: &Path) -> anyhow::Result<Child> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("{} cannot be started: name a browser with --browser", program.display()))
}

fn found(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}
