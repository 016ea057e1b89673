//! Fetches the pinned clients on first use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// This crate's directory.
pub(crate) fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory of build products.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| home().join("../../target"), PathBuf::from)
}

/// `node_modules`, as `package-lock.json` says.
pub(crate) fn node_modules() -> Result<()> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if home().join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.arg("ci").current_dir(home());
    run(&mut npm)
}

/// The interpreter of a virtual environment with what `requirements.txt` says.
pub(crate) fn python() -> Result<String> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let venv = target().join("interop-venv");
    let python = venv.join("bin/python");
    let done = venv.join("done");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r"];
        run(Command::new(&python).args(pip).arg(home().join("requirements.txt")))?;
        std::fs::write(done, "")?;
    }
    text(&python)
}

/// The program in `clients/go`, built.
pub(crate) fn go() -> Result<String> {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let program = std::path::absolute(target().join("interop-go"))?;
    run(Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(home().join("clients/go")))
        .context("Go 1.26.8 or newer is needed: https://go.dev/dl")?;
    text(&program)
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a target directory that is UTF-8")?.to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
