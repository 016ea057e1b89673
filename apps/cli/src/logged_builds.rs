//! What others may say that they run: builds of releases that stand in a log whose witnesses a policy names. And what this program itself is.

use std::path::Path;

use anyhow::{Context as _, ensure};
use conclave_session::software::LoggedBuilds;
use conclave_transparency::{Hash, MAX_PROOF, MAX_RELEASE, Version};

use conclave_device::{files, policy};

/// What pages and programs name themselves by, among the files of a release.
const NAMED_BY: [&str; 2] = ["web/bundle.txt", "conclave-client"];
/// Most releases in a folder.
const MAX_RELEASES: usize = 1024;

/// Every release of a folder, old ones too: one that no quorum of witnesses saw is an error, since whoever gave it here took it for good.
pub(crate) fn read(folder: &Path, policy: &Path) -> anyhow::Result<LoggedBuilds> {
    let rule = policy::read_rule(policy)?;
    let mut builds = LoggedBuilds::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for (n, entry) in entries.enumerate() {
        ensure!(n < MAX_RELEASES, "{} has more than {MAX_RELEASES} files", folder.display());
        let proof = entry?.path();
        if proof.extension().is_none_or(|extension| extension != "tlog-proof") {
            continue;
        }
        let text = proof.with_extension("");
        let read = rule.read(&files::read(&text, MAX_RELEASE)?, &files::read(&proof, MAX_PROOF)?);
        let (release, _) = read.with_context(|| format!("{} proves nothing", proof.display()))?;
        let Version(major, minor, patch) = release.version;
        let version = [major, minor, patch].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        builds.extend(NAMED_BY.iter().filter_map(|name| Some((release.artefacts.get(*name)?.0, version))));
    }
    Ok(builds)
}

/// SHA-256 of this program's own file, where it can be read: what a log of releases names it by.
pub(crate) fn own_build() -> Option<[u8; 32]> {
    std::fs::read("/proc/self/exe").ok().map(|bytes| Hash::of_bytes(&bytes).0)
}
