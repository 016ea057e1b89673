use anyhow::ensure;
use tempfile::TempDir;

use crate::{ObservedClient, Server, create};

/// A native member's device key and whom it verified: a file, with its passphrase beside it.
#[derive(Debug)]
pub struct Identity {
    folder: TempDir,
}

impl Identity {
    /// The file is made by the first who joins with it.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("passphrase"), "violet harbour seventeen\n")?;
        Ok(Self { folder })
    }

    /// Joins with it, without camera and microphone.
    pub fn join(&self, link: &str, name: &str) -> anyhow::Result<ObservedClient> {
        let [file, passphrase] = ["identity", "passphrase"].map(|file| self.folder.path().join(file).display().to_string());
        let identity = ["--identity", &file, "--identity-passphrase-file", &passphrase];
        ObservedClient::join(link, name, &[["--no-video", "--no-audio"].as_slice(), &identity].concat())
    }
}

/// Two people meet, compare their person code, and verify each other. Then they leave.
pub fn verify_each_other(server: &Server, one: (&str, &Identity), other: (&str, &Identity)) -> anyhow::Result<()> {
    let link = create(&server.url, None)?;
    let mut first = one.1.join(&link, one.0)?;
    let mut second = other.1.join(&link, other.0)?;
    let mut codes = Vec::new();
    for (person, name) in [(&mut first, other.0), (&mut second, one.0)] {
        person.until_sees(name)?;
        person.say(&format!("/code {name}"))?;
        codes.push(person.until("shows the person code", |seen| seen.person_codes.get(name).cloned())?);
        person.say(&format!("/matches {name}"))?;
        person.until("verifies", |seen| (seen.recognitions.get(name)? == "verified").then_some(()))?;
    }
    ensure!(codes[0] == codes[1], "two codes: {codes:?}");
    Ok(())
}
