//! What each runs, in a real browser and to a native member who trusts a log: docs/design/015-what-each-runs.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use conclave_base::Secret;
use conclave_kit::{Member, Script, Server, create};
use conclave_transparency::{Algorithm, Checkpoint, Hash, LogProof, Release, SigningKey, Tiles};
use serde_json::Value;

/// A folder of releases, in which this page is one, and the policy of its log.
fn logged() -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let bundle = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/web/dist/bundle.txt"))?;
    let artefacts = BTreeMap::from([("web/bundle.txt".to_owned(), Hash::of_bytes(&bundle))]);
    let (version, toolchain, sums) = (env!("CARGO_PKG_VERSION").parse()?, Hash::of_bytes(b"tools"), Hash::of_bytes(b"sums"));
    let entry = Release { product: "conclave".to_owned(), version, commit: [7; 20], toolchain, sums, artefacts }.to_string();
    let key = |name, algorithm, seed| SigningKey::new(name, algorithm, Secret::new([seed; 32]));
    let log = key("example.org/log", Algorithm::Ed25519, 1)?;
    let [witness, rebuilder] = [key("example.net/one", Algorithm::CosignatureV1, 2)?, key("example.com/r", Algorithm::CosignatureV1, 3)?];
    let keys = [log.verifier(), witness.verifier(), rebuilder.verifier()].map(ToString::to_string);
    let policy = format!(
        "log {}\nwitness one {}\nwitness two {}\ngroup rebuilders 1 two\ngroup witnesses 1 one\nquorum witnesses\n",
        keys[0], keys[1], keys[2]
    );
    fs::write(folder.path().join("policy"), policy)?;
    let mut tiles = Tiles::default();
    tiles.append(0, Hash::of_leaf(entry.as_bytes()))?;
    let signed = Checkpoint::new("example.org/log", 1, tiles.root(1)?)?.signed(&[log, witness], 1_800_000_000);
    fs::write(folder.path().join("one.txt"), &entry)?;
    fs::write(folder.path().join("one.txt.tlog-proof"), LogProof::new(0, tiles.inclusion(1, 0)?, signed).to_string())?;
    Ok(folder)
}

/// What the member called `name` is shown to run, once this is so.
fn until(native: &mut Member, name: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    native.wait(&format!("what {name} runs"), |event| {
        let members = event["members"].as_array()?;
        let software = members.iter().find(|member| member["name"] == name)?["software"].clone();
        is(&software).then_some(software)
    })
}

#[test]
fn page_and_native_member_say_what_they_run_and_another_page_is_seen_by_all() -> anyhow::Result<()> {
    let (server, logged) = (Server::start()?, logged()?);
    let link = create(&server.url, None)?;
    let at = |name: &str| logged.path().join(name).to_str().map(str::to_owned).context("a plain path");
    let (folder, policy) = (at("")?, at("policy")?);
    let more = ["--no-video", "--releases", folder.as_str(), "--policy", policy.as_str()];
    let mut native = Member::join(&link, "Nora", &more)?;
    native.until_inside(1)?;
    let scene = Script::start("tests/e2e/scenes/software.mjs", &[("LINK", &link)])?;
    let page = until(&mut native, "Amara Okafor", |software| !software.is_null())?;
    let site = server.url.trim_start_matches("http://");
    ensure!(page["program"]["kind"] == "page" && page["program"]["site"] == site, "{page}");
    ensure!(page["logged"]["kind"] == "named" && page["logged"]["version"] == env!("CARGO_PKG_VERSION"), "{page}");
    ensure!(page["build"].as_str().is_some_and(|build| build.len() == 64) && page["agreement"] == "alone", "{page}");
    let own = until(&mut native, "Nora", |software| !software.is_null())?;
    ensure!(own["program"]["kind"] == "native" && own["logged"]["kind"] == "notNamed", "{own}");
    // The operator serves somebody another page.
    let other = until(&mut native, "Jonas Lindqvist", |software| !software.is_null())?;
    ensure!(other["agreement"] == "differs" && other["logged"]["kind"] == "notNamed", "{other}");
    native.wait("that is told", |event| {
        let what = &event["what"];
        (what["kind"] == "otherSoftware" && what["name"] == "Jonas Lindqvist" && what["unlogged"] == true).then_some(())
    })?;
    // And whom it serves the released one stands apart no more once the other is gone.
    until(&mut native, "Amara Okafor", |software| software["agreement"] == "differs")?;
    until(&mut native, "Amara Okafor", |software| software["agreement"] == "alone")?;
    scene.end()
}
