//! The desktop program, a plain tab and a native member in one meeting: docs/design/016-desktop.md.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use conclave_engines::until;
use conclave_kit::{Desktop, Script, Server, create, program};

#[test]
fn the_desktop_program_a_tab_and_a_native_member_meet() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let desktop = Desktop::start(&link)?;
    let client = program("conclave-client");
    let env = [("LINK", link.as_str()), ("ADDRESS", &desktop.address), ("CLIENT", &client.to_string_lossy())];
    Script::start("tests/e2e/scenes/desktop.mjs", &env)?.end()?;
    // What it served last stays what it knows.
    let kept = std::fs::read_to_string(desktop.state.path().join("server"))?;
    ensure!(kept == server.url, "{kept}");
    Ok(())
}

/// Stands in front of Chromium: notes how it was started, in a line, and starts it without a screen.
const BROWSER: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "$CONCLAVE_TEST_STARTS"
exec "${CHROMIUM:-/usr/lib/chromium/chromium}" --headless=new --no-sandbox --disable-gpu "$@"
"#;

/// Killed on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// The browser that has a profile open; ended on drop, since it outlives the program when that is killed.
struct Profile(PathBuf);

impl Profile {
    fn process(&self) -> Option<String> {
        let owner = std::fs::read_link(self.0.join("SingletonLock")).ok()?;
        owner.to_str()?.rsplit_once('-').map(|(_, process)| process.to_owned()).filter(|process| Path::new("/proc").join(process).exists())
    }

    fn end(&self) -> bool {
        self.process().is_some_and(|process| Command::new("kill").arg(process).status().is_ok_and(|status| status.success()))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn it_starts_a_window_of_its_own_once_and_another_start_opens_one_more() -> anyhow::Result<()> {
    let server = Server::start()?;
    let link = create(&server.url, None)?;
    let state = tempfile::tempdir()?;
    let at = |name: &str| state.path().join(name);
    std::fs::write(at("passphrase"), "violet harbour seventeen\n")?;
    std::fs::write(at("browser.sh"), BROWSER)?;
    std::fs::set_permissions(at("browser.sh"), std::fs::Permissions::from_mode(0o700))?;
    std::fs::create_dir_all(at("browser/Default/Service Worker"))?;
    let start = |address: &str| -> anyhow::Result<Running> {
        let mut child = Command::new(program("conclave-desktop"))
            .args(["-", "--browser"])
            .arg(at("browser.sh"))
            .arg("--state")
            .arg(at(""))
            .arg("--passphrase-file")
            .arg(at("passphrase"))
            .env("CONCLAVE_TEST_STARTS", at("starts"))
            .env("XDG_RUNTIME_DIR", at(""))
            .stdin(Stdio::piped())
            .spawn()?;
        writeln!(child.stdin.take().context("its input")?, "{address}")?;
        Ok(Running(child))
    };
    let starts = || std::fs::read_to_string(at("starts")).unwrap_or_default();
    let profile = Profile(at("browser"));
    let mut first = start(&link)?;
    until("a browser is started", || Ok(starts().lines().count() == 1))?;
    let words = starts();
    ensure!(words.contains("--app=http://127.0.0.1:") && words.contains("/#loader."), "{words}");
    ensure!(words.contains("--user-data-dir=") && words.contains("--disable-extensions"), "{words}");
    let secret = link.split_once('#').context("a link")?.1;
    ensure!(!words.contains(secret), "the link stands on a command line");
    ensure!(!at("browser/Default/Service Worker/Database").exists(), "scripts of before are there");
    let mut second = start(&link)?;
    ensure!(second.0.wait()?.success());
    until("another window is asked for", || Ok(starts().lines().count() == 2))?;
    let id = first.0.id();
    let browsers = || std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    until("one browser has both windows", || Ok(browsers().split_whitespace().count() == 1))?;
    ensure!(first.0.try_wait()?.is_none(), "the first one ended");
    ensure!(std::fs::read_dir(at(""))?.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("conclave-desktop-") && entry.metadata().is_ok_and(|what| what.permissions().mode() & 0o777 == 0o600)
    }));
    // The window closes, and with it the program.
    until("the browser has its profile open", || Ok(profile.process().is_some()))?;
    ensure!(profile.end());
    until("the program ends", || Ok(first.0.try_wait()?.is_some_and(|ended| ended.success())))
}
