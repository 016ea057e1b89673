//! Which page runs: the one in this program, or a newer one that the log of releases proved.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use conclave_device::{files, history, policy, system};
use conclave_page::Bundle;
use conclave_protocol::paths;
use conclave_transparency::{AcceptRule, Hash, History, MAX_PROOF, MAX_RELEASE, Release, Version};

/// Largest file of a page, bytes.
const MAX_FILE: usize = 32 * 1024 * 1024;
/// For one file.
const PATIENCE: Duration = Duration::from_secs(60);
/// The folder of a page in a release.
const WEB: &str = "web/";

/// What is served.
pub(crate) struct Running {
    pub(crate) bundle: Bundle,
    pub(crate) version: String,
    /// For the user: which, and why.
    pub(crate) words: String,
}

/// Takes the release at `source`, if there is one and it may run; else the newest that was taken before, or the program's own page.
pub(crate) fn choose(folder: &Path, source: Option<&str>, policy: Option<&Path>) -> anyhow::Result<Running> {
    let own: Version = env!("CARGO_PKG_VERSION").parse().ok().context("Cargo's versions are three numbers")?;
    let seen = folder.join("releases-seen");
    let mut history = history::read(&seen)?;
    let mut words = String::new();
    if let (Some(source), Some(policy)) = (source, policy) {
        words = match take(folder, source, &policy::read_rule(policy)?, own, &mut history) {
            Ok(said) => said,
            Err(why) => format!("The release at {source} is not taken: {why:#}. "),
        };
        history::write(&seen, &history)?;
    }
    let kept = history.highest.filter(|(version, _)| *version > own);
    if let Some((version, leaf)) = kept {
        match read(&folder.join("releases").join(version.to_string()), leaf) {
            Ok(bundle) => {
                words += &format!("The page is that of release {version}, which is newer than this program.");
                return Ok(Running { bundle: Bundle::Files(bundle), version: version.to_string(), words });
            }
            Err(why) => words += &format!("Release {version} ran here, and cannot any more: {why:#}. "),
        }
    }
    words += &format!("The page is that of release {own}, which is in this program.");
    Ok(Running { bundle: Bundle::Embedded, version: own.to_string(), words })
}

/// What may run is kept before it is remembered as the highest: a crash in between forgets it, and nothing else.
fn take(folder: &Path, source: &str, rule: &AcceptRule, own: Version, history: &mut History) -> anyhow::Result<String> {
    let source = Source::new(source);
    let (entry, proof) = (source.read(paths::RELEASE, MAX_RELEASE)?, source.read(paths::RELEASE_PROOF, MAX_PROOF)?);
    let offered = Release::parse(&entry).ok().context("it is not a release")?.version;
    ensure!(offered >= own, "version {offered} is older than this program's own, {own}");
    let mut judged = history.clone();
    let accepted = rule.judge(&entry, &proof, &mut judged, system::unix_seconds());
    // What was seen of logs stays seen, whatever comes next.
    history.trees.clone_from(&judged.trees);
    history.waiting.clone_from(&judged.waiting);
    let accepted = accepted?;
    let place = folder.join("releases").join(accepted.release.version.to_string());
    let new = place.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    files::make_folder(&new)?;
    for (name, hash) in accepted.release.artefacts.iter().filter(|(name, _)| name.starts_with(WEB)) {
        let bytes = source.read(name, MAX_FILE)?;
        ensure!(Hash::of_bytes(&bytes) == *hash, "{name} is not the file of that release");
        files::write(&new.join(name), &bytes)?;
    }
    files::write(&new.join(paths::RELEASE), &entry)?;
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::rename(&new, &place)?;
    *history = judged;
    let warning = if accepted.warning { " Too few have rebuilt it; it is taken since it has been public for long enough." } else { "" };
    Ok(format!(
        "Release {} was taken: {} rebuilt it, {} witnesses saw it.{warning} ",
        accepted.release.version, accepted.rebuilders, accepted.witnesses
    ))
}

/// The page of a release that was taken, if every file still is what it was.
fn read(place: &Path, leaf: Hash) -> anyhow::Result<BTreeMap<String, axum::body::Bytes>> {
    let entry = files::read(&place.join(paths::RELEASE), MAX_RELEASE)?;
    ensure!(Hash::of_leaf(&entry) == leaf, "another release lies in its place");
    let release = Release::parse(&entry).ok().context("it is not a release")?;
    let mut page = BTreeMap::new();
    for (name, hash) in &release.artefacts {
        let Some(short) = name.strip_prefix(WEB) else { continue };
        let bytes = files::read(&place.join(name), MAX_FILE)?;
        ensure!(Hash::of_bytes(&bytes) == *hash, "{name} was changed");
        page.insert(short.to_owned(), bytes.into());
    }
    ensure!(page.contains_key("index.html"), "it has no page");
    Ok(page)
}

/// Where a release is: any mirror, since nothing that it says is believed.
enum Source<'a> {
    Folder(&'a Path),
    Web(&'a str, ureq::Agent),
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return Self::Folder(Path::new(text));
        }
        // One for all files, so that they come over one connection.
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Self::Web(text.trim_end_matches('/'), agent.into())
    }

    fn read(&self, name: &str, most: usize) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => files::read(&folder.join(name), most),
            Self::Web(address, agent) => {
                let url = format!("{address}/{name}");
                let mut answer = agent.get(&url).call().with_context(|| format!("{url} does not answer"))?;
                if answer.status() != 200 {
                    bail!("{url} is not there");
                }
                Ok(answer.body_mut().with_config().limit(u64::try_from(most)?).read_to_vec()?)
            }
        }
    }
}
