//! The web page: WebAssembly module, its bindings, then the bundle. Cargo knows what the module is made of; each later step is left out while
//! what it reads is unchanged.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::node;
use crate::sh;

/// File name of the generated module and its bindings.
const NAME: &str = "conclave";
/// Builds `apps/web/dist`, ready to be embedded in the server.
pub(crate) fn build(root: &Path) -> anyhow::Result<()> {
    let web = root.join("apps/web");
    packages(root, &web)?;
    module(root, &web)?;
    bundle(root, &web)
}

/// [`build`], and meanwhile `natively`: each has steps that leave a core idle. What compiles `conclave-server` must wait until both are done, since its
/// build reads the page.
pub(crate) fn build_beside(root: &Path, natively: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let page = scope.spawn(|| build(root));
        let native = natively();
        page.join().map_err(|_| anyhow!("building the page panicked"))?.and(native)
    })
}

fn packages(root: &Path, web: &Path) -> anyhow::Result<()> {
    let stamp = Stamp::of(root, "npm", &[web.join("package-lock.json")])?;
    if stamp.fits() && web.join("node_modules").exists() {
        return Ok(());
    }
    sh::step("fetching the web packages", node("npm").current_dir(web).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    stamp.write()
}

/// The module's own target folder would be a third copy of all dependencies: it shares the workspace's.
fn module(root: &Path, web: &Path) -> anyhow::Result<()> {
    let out = web.join("src/worker/wasm");
    // Quiet: another Cargo may be showing how far it is.
    sh::step(
        "compiling the WebAssembly module",
        Command::new("cargo").current_dir(root).args([
            "build",
            "--quiet",
            "--package",
            "conclave-wasm",
            "--lib",
            "--target",
            "wasm32-unknown-unknown",
            "--profile",
            "wasm",
        ]),
    )?;
    let built = root.join("target/wasm32-unknown-unknown/wasm/conclave_wasm.wasm");
    let stamp = Stamp::of(root, "wasm", std::slice::from_ref(&built))?;
    if stamp.fits() && out.join(format!("{NAME}_bg.wasm")).exists() {
        return Ok(());
    }
    let mut bindings = Bindgen::new()
        .input_path(&built)
        .out_name(NAME)
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .remove_name_section(true)
        .generate_output()
        .context("wasm-bindgen")?;
    // An `env` import would be a C function that nobody provides.
    if let Some(foreign) = bindings.wasm().imports.iter().find(|i| i.module != format!("./{NAME}_bg.js")) {
        bail!("the WebAssembly module imports {} from {}", foreign.name, foreign.module);
    }
    fs::create_dir_all(&out)?;
    bindings.emit(&out).context("writing the bindings")?;
    shrink(web, &out.join(format!("{NAME}_bg.wasm")))?;
    stamp.write()
}

/// What rustc uses without being asked, and so every browser that we support has; with more, wasm-opt writes what some cannot read.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

fn shrink(web: &Path, module: &Path) -> anyhow::Result<()> {
    let wasm_opt = web.join("node_modules/binaryen/bin/wasm-opt");
    sh::step("shrinking the WebAssembly module", node("node").arg(wasm_opt).arg(module).arg("-Os").args(FEATURES).arg("-o").arg(module))
}

fn bundle(root: &Path, web: &Path) -> anyhow::Result<()> {
    let inputs = ["src", "public", "index.html", "package-lock.json", "vite.config.ts", "tsconfig.json"];
    let stamp = Stamp::of(root, "bundle", &inputs.map(|i| web.join(i)))?;
    if stamp.fits() && web.join("dist/index.html").exists() {
        return Ok(());
    }
    let vite = web.join("node_modules/vite/bin/vite.js");
    sh::step("bundling the web page", node("node").current_dir(web).arg(vite).args(["build", "--logLevel", "warn"]))?;
    stamp.write()
}

/// Remembers, in `target/`, the path, size and time of every file that a step read when it last succeeded.
struct Stamp {
    file: PathBuf,
    now: String,
}

impl Stamp {
    fn of(root: &Path, step: &str, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            hash(input, &mut hasher)?;
        }
        Ok(Self { file: root.join(format!("target/xtask/{step}.stamp")), now: format!("{:016x}", hasher.finish()) })
    }

    fn fits(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|then| then == self.now)
    }

    fn write(&self) -> anyhow::Result<()> {
        fs::create_dir_all(self.file.parent().context("a stamp stands in target/xtask")?)?;
        fs::write(&self.file, &self.now).with_context(|| format!("writing {}", self.file.display()))
    }
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> anyhow::Result<()> {
    let Ok(meta) = fs::metadata(path) else { return Ok(()) };
    if meta.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| hash(entry, hasher));
    }
    path.hash(hasher);
    meta.len().hash(hasher);
    meta.modified().unwrap_or(SystemTime::UNIX_EPOCH).duration_since(UNIX_EPOCH).unwrap_or_default().hash(hasher);
    Ok(())
}
