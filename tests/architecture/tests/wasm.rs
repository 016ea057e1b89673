//! core/ builds for the browser, and asks the browser for nothing but what wasm-bindgen names.

use std::path::Path;
use std::process::Command;

#[test]
fn core_builds_for_wasm32() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&root).args(["check", "--quiet", "--target", "wasm32-unknown-unknown"]);
    // Chance comes in as an argument; but what str0m stands on wants to be told where it would come from.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg getrandom_backend=\"wasm_js\"");
    for side in ["shared", "client", "server"] {
        for one in std::fs::read_dir(root.join("core").join(side)).expect("a folder").flatten() {
            let manifest = std::fs::read_to_string(one.path().join("Cargo.toml")).expect("a crate");
            let name = manifest.lines().find_map(|l| l.strip_prefix("name = ")).expect("a name").trim_matches('"').to_owned();
            // Foreign crates may have the same name; the version is the workspace's.
            cargo.args(["--package", &format!("{name}@{}", env!("CARGO_PKG_VERSION"))]);
        }
    }
    assert!(cargo.status().expect("cargo runs").success(), "core/ no longer builds for wasm32-unknown-unknown");
}

#[test]
fn the_browser_module_imports_nothing_from_env() {
    let imports = browser_imports();
    assert!(imports.iter().all(|(module, _)| module != "env"), "imports from env: {imports:?}");
}

/// All that a client draws comes from the seeds that its shell gives: the module could not ask for a random number if it wanted to.
#[test]
fn the_browser_module_cannot_ask_for_random_numbers() {
    let asks = |name: &str| ["random", "crypto"].iter().any(|word| name.to_lowercase().contains(word));
    let asking: Vec<_> = browser_imports().into_iter().filter(|(_, name)| asks(name)).collect();
    assert!(asking.is_empty(), "these give random numbers: {asking:?}");
}

/// Module and name of each import of what the page loads.
fn browser_imports() -> Vec<(String, String)> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/web/src/worker/wasm/conclave_bg.wasm");
    let bytes = std::fs::read(&module).expect("built by `cargo xtask web`");
    let imports = imports(&bytes).expect("a well-formed import section");
    assert!(!imports.is_empty(), "the reader of imports is broken: wasm-bindgen always imports something");
    imports
}

/// Module and name of each entry in the import section (WebAssembly core specification, 5.5.5).
fn imports(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut at = 8;
    while at < bytes.len() {
        let id = bytes[at];
        at += 1;
        let size = leb(bytes, &mut at)?;
        let end = at + size;
        if id == 2 {
            let count = leb(bytes, &mut at)?;
            let mut imports = Vec::new();
            for _ in 0..count {
                imports.push((name(bytes, &mut at)?, name(bytes, &mut at)?));
                let kind = *bytes.get(at)?;
                at += 1;
                match kind {
                    0 => drop(leb(bytes, &mut at)?),
                    1 => {
                        at += 1;
                        limits(bytes, &mut at)?;
                    }
                    2 => limits(bytes, &mut at)?,
                    3 => at += 2,
                    _ => return None,
                }
            }
            return (at == end).then_some(imports);
        }
        at = end;
    }
    None
}

fn limits(bytes: &[u8], at: &mut usize) -> Option<()> {
    let has_max = bytes.get(*at)? & 1 == 1;
    *at += 1;
    leb(bytes, at)?;
    if has_max {
        leb(bytes, at)?;
    }
    Some(())
}

fn name(bytes: &[u8], at: &mut usize) -> Option<String> {
    let len = leb(bytes, at)?;
    let text = bytes.get(*at..*at + len)?;
    *at += len;
    String::from_utf8(text.to_vec()).ok()
}

fn leb(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
