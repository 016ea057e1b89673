//! What one entry of the log of releases says: `conclave-release/v1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use conclave_base::hex;

use crate::merkle::Hash;
use crate::text;

const HEADER: &str = "conclave-release/v1";
/// The list of compilers and tools, among the files of a release.
const TOOLCHAIN: &str = "toolchain.txt";
/// Longest entry, bytes.
pub const MAX_RELEASE: usize = 32 * 1024;
/// Most artefacts.
pub const MAX_ARTEFACTS: usize = 256;
/// Longest name of a product or artefact, bytes.
const MAX_NAME: usize = 128;

/// Why an entry is no release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a release")]
pub struct NotARelease;

/// `major.minor.patch`; a later release has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

impl FromStr for Version {
    type Err = NotARelease;

    fn from_str(version: &str) -> Result<Self, NotARelease> {
        let mut parts = version.split('.').map(|part| text::decimal(part).ok_or(NotARelease));
        let mut part = || parts.next().ok_or(NotARelease)?;
        let version = Self(part()?, part()?, part()?);
        if parts.next().is_none() { Ok(version) } else { Err(NotARelease) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A release: from which source, by which tools, and what came out. The same for everybody who builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What is released.
    pub product: String,
    /// Greater than that of all releases before.
    pub version: Version,
    /// The commit that it is built from: its SHA-1, by which Git names it.
    pub commit: [u8; 20],
    /// SHA-256 over the list of compilers and tools.
    pub toolchain: Hash,
    /// SHA-256 of the file `SHA256SUMS`, which names every file of the release.
    pub sums: Hash,
    /// SHA-256 of each file that people fetch, by its name.
    pub artefacts: BTreeMap<String, Hash>,
}

impl Release {
    /// Reads an entry. Each release has one text, so that nobody can log it twice in two ways.
    pub fn parse(entry: &[u8]) -> Result<Self, NotARelease> {
        if entry.len() > MAX_RELEASE {
            return Err(NotARelease);
        }
        let entry = std::str::from_utf8(entry).map_err(|_| NotARelease)?;
        let mut lines = entry.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n')).ok_or(NotARelease)?.split('\n');
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let release = (|| {
            Some(Self {
                product: field("product")?.to_owned(),
                version: field("version")?.parse().ok()?,
                commit: hex::decode(field("commit")?)?,
                toolchain: Hash(hex::decode(field("toolchain")?)?),
                sums: Hash(hex::decode(field("sums")?)?),
                artefacts: BTreeMap::new(),
            })
        })();
        let mut release = release.ok_or(NotARelease)?;
        for line in lines.filter(|line| !line.is_empty()) {
            let (hash, name) = line.strip_prefix("artefact ").and_then(|line| line.split_once(' ')).ok_or(NotARelease)?;
            release.artefacts.insert(name.to_owned(), Hash(hex::decode(hash).ok_or(NotARelease)?));
        }
        let named = release.artefacts.keys().chain([&release.product]).all(|name| is_name(name));
        if named && release.artefacts.len() <= MAX_ARTEFACTS && release.to_string() == entry { Ok(release) } else { Err(NotARelease) }
    }

    /// What is to be logged of a release whose files are named by `sums`, the file `SHA256SUMS`: all of them but the list of `tools` are artefacts.
    /// `commit` in hexadecimal.
    pub fn of_sums(product: &str, version: Version, commit: &str, tools: &[u8], sums: &[u8]) -> Result<Self, NotARelease> {
        let line = |line: &str| {
            let (hash, name) = line.split_once("  ")?;
            Some((name.to_owned(), Hash(hex::decode(hash)?)))
        };
        let lines = std::str::from_utf8(sums).map_err(|_| NotARelease)?.lines();
        let mut artefacts = lines.map(|text| line(text).ok_or(NotARelease)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let toolchain = artefacts.remove(TOOLCHAIN).filter(|hash| *hash == Hash::of_bytes(tools)).ok_or(NotARelease)?;
        let commit = hex::decode(commit).ok_or(NotARelease)?;
        let release = Self { product: product.to_owned(), version, commit, toolchain, sums: Hash::of_bytes(sums), artefacts };
        // Within its bounds, and with names that an entry may have.
        Self::parse(release.to_string().as_bytes())
    }

    /// The commit, in hexadecimal.
    pub fn commit_text(&self) -> String {
        hex::encode(&self.commit)
    }

    /// Names of the files that are not the same in both, the list of compilers and tools among them.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.artefacts.keys().chain(other.artefacts.keys()).collect();
        let files = names.into_iter().filter(|name| self.artefacts.get(*name) != other.artefacts.get(*name)).cloned();
        files.chain((self.toolchain != other.toolchain).then(|| TOOLCHAIN.to_owned())).collect()
    }

    /// Whether these are the bytes of the artefact with this name.
    pub fn holds(&self, name: &str, bytes: &[u8]) -> bool {
        self.artefacts.get(name) == Some(&Hash::of_bytes(bytes))
    }
}

/// A path below the folder of the release: visible ASCII, no empty part and none that leads upwards.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// The entry.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, version, commit: _, toolchain, sums, artefacts } = self;
        writeln!(f, "{HEADER}\nproduct {product}\nversion {version}\ncommit {}", self.commit_text())?;
        writeln!(f, "toolchain {toolchain}\nsums {sums}")?;
        artefacts.iter().try_for_each(|(name, hash)| writeln!(f, "artefact {hash} {name}"))
    }
}
