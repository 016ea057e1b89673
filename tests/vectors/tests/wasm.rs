//! The same in WebAssembly, compiled as the browser's module is, with the engine that Chromium has.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use conclave_vectors::ALL;
use wasm_bindgen_cli_support::Bindgen;

#[test]
fn every_vector_holds_in_webassembly() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = "wasm32-unknown-unknown";
    let built = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["rustc", "--quiet", "--package", "conclave-vectors", "--lib", "--crate-type", "cdylib,rlib"])
        .args(["--target", target, "--profile", "wasm"])
        .status()?;
    ensure!(built.success(), "the vectors do not build for {target}");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vectors");
    let module = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("../{target}/wasm/conclave_vectors.wasm"));
    Bindgen::new().input_path(module).nodejs(true)?.generate(&out)?;

    let script = "process.stdout.write(require('./conclave_vectors.js').run_all())";
    let output = Command::new("node").current_dir(&out).args(["--eval", script]).output().context("node")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let native: String = ALL
        .iter()
        .map(|vectors| Ok(format!("{} {}\n", vectors.name, vectors.run()?)))
        .collect::<Result<_, String>>()
        .map_err(anyhow::Error::msg)?;
    assert_eq!(String::from_utf8(output.stdout)?, native);
    Ok(())
}
