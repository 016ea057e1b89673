//! Which release may run: the accept rule of `docs/design/007-transparency.md`.

use std::collections::BTreeMap;

use crate::key::VerifierKey;
use crate::merkle::Hash;
use crate::note::NoteError;
use crate::policy::{Cosigners, Group, Policy};
use crate::proof::LogProof;
use crate::release::{NotARelease, Release, Version};

/// A cosigner's clock may be so much ahead of ours, seconds.
const SKEW: u64 = 300;
/// Most releases that wait for their cool-down at once.
const MAX_WAITING: usize = 16;

/// Why a rule cannot be made of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No log, or no cosignature needed.
    #[error("policy without log or quorum")]
    NoQuorum,
    /// No group of this name.
    #[error("policy without that group of rebuilders")]
    NoRebuilders,
    /// One key would count both as witness and as rebuilder.
    #[error("a rebuilder is also a witness")]
    Overlap,
}

/// Settings of an [`AcceptRule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleConfig<'a> {
    /// The product, as its releases name it.
    pub product: &'a str,
    /// Name of the policy's group of rebuilders. A rebuilder states by its cosignature: the last entry of this tree is a release that I built from its
    /// source, and the same bytes came out.
    pub rebuilders: &'a str,
    /// How old a witness's cosignature may be, seconds.
    pub max_age: u64,
    /// How long a release waits that too few have rebuilt, seconds.
    pub cool_down: u64,
}

/// Decides about releases.
#[derive(Debug, Clone)]
pub struct AcceptRule {
    policy: Policy,
    product: String,
    rebuilders: Group,
    max_age: u64,
    cool_down: u64,
}

/// What a client remembers between decisions. Losing it makes rollback and forks before that moment unseen.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct History {
    /// The highest version that was accepted, and which entry that was.
    pub highest: Option<(Version, Hash)>,
    /// The largest tree that was seen of each log, by origin.
    pub trees: BTreeMap<String, (u64, Hash)>,
    /// Releases that too few have rebuilt, and when each was first seen, POSIX seconds.
    pub waiting: BTreeMap<Hash, u64>,
}

/// A release that may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What may run: only artefacts with these hashes.
    pub release: Release,
    /// How many witnesses saw it lately.
    pub witnesses: usize,
    /// How many rebuilt it.
    pub rebuilders: usize,
    /// Too few rebuilt it, and its cool-down is over: the person has to be told.
    pub warning: bool,
}

/// Why a release may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The entry is not a release.
    #[error("this is not a release")]
    NotARelease,
    /// A release of something else.
    #[error("this is a release of {0}")]
    OtherProduct(String),
    /// The proof cannot be read, or a signature in it is wrong.
    #[error("the proof is not valid: {0}")]
    Proof(#[from] NoteError),
    /// No known log signed.
    #[error("the log that signed it is not known")]
    UnknownLog,
    /// The entry is not where the proof says.
    #[error("it is not in the log")]
    NotInLog,
    /// So few cosigned that only one person might have been shown this log.
    #[error("only {0} of the witnesses saw this log: it may have been made for you alone")]
    NoQuorum(usize),
    /// Enough cosigned, but too long ago, or in the future.
    #[error("witnesses saw this log too long ago, or your clock is wrong: newer releases may be kept from you")]
    Stale,
    /// A later version ran here.
    #[error("version {offered} is older than {seen}, which ran here")]
    Older {
        /// This version.
        offered: Version,
        /// What was accepted before.
        seen: Version,
    },
    /// The same version was accepted with other contents.
    #[error("version {0} was another release before")]
    Changed(Version),
    /// The log was larger when it was last seen.
    #[error("the log was larger before")]
    LogShrank,
    /// The log was another one at this size.
    #[error("the log was another one before: it has been forked")]
    LogForked,
    /// Other entries stand behind it.
    #[error("newer entries stand behind it in the log")]
    NotLatest,
    /// Too few rebuilt it, and its cool-down is not over.
    #[error("only {have} of {need} rebuilt it: it has to wait")]
    TooFewRebuilders {
        /// How many did.
        have: usize,
        /// How many are enough.
        need: usize,
        /// When it may run all the same, POSIX seconds.
        until: u64,
    },
}

impl AcceptRule {
    /// Whose signatures count.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether this key is one of the rebuilders'.
    pub fn is_rebuilder(&self, key: &VerifierKey) -> bool {
        self.rebuilders.has(&self.policy, key)
    }

    /// From a policy that stands in the client's own code.
    pub fn new(policy: Policy, config: RuleConfig<'_>) -> Result<Self, RuleError> {
        if policy.logs().is_empty() || policy.quorum().is_none() {
            return Err(RuleError::NoQuorum);
        }
        let rebuilders = policy.group(config.rebuilders).ok_or(RuleError::NoRebuilders)?;
        if rebuilders.overlaps(&policy) {
            return Err(RuleError::Overlap);
        }
        let RuleConfig { product, max_age, cool_down, .. } = config;
        Ok(Self { policy, product: product.to_owned(), rebuilders, max_age, cool_down })
    }

    /// What a log says, whenever that was and whoever rebuilt it: that this entry is in it, a release of the product, and that a quorum of
    /// witnesses saw the log. It is enough to know a release by name, or to rebuild it, and not to run it.
    pub fn read(&self, entry: &[u8], proof: &[u8]) -> Result<(Release, LogProof), Refused> {
        self.check(entry, proof).map(|(release, proof, _)| (release, proof))
    }

    fn check(&self, entry: &[u8], proof: &[u8]) -> Result<(Release, LogProof, Cosigners<'_>), Refused> {
        let release = Release::parse(entry).map_err(|NotARelease| Refused::NotARelease)?;
        if release.product != self.product {
            return Err(Refused::OtherProduct(release.product));
        }
        let leaf = Hash::of_leaf(entry);
        let proof = LogProof::parse(proof)?;
        let cosigners = self.policy.cosigners(proof.checkpoint())?;
        if !cosigners.has_log() {
            return Err(Refused::UnknownLog);
        }
        proof.verify_inclusion(leaf).map_err(|_| Refused::NotInLog)?;
        if !cosigners.has_quorum() {
            return Err(Refused::NoQuorum(cosigners.in_quorum()));
        }
        Ok((release, proof, cosigners))
    }

    /// Decides whether the release in `entry` may run, at `now`, POSIX seconds; keeps in `history` what the next decision needs to know.
    pub fn judge(&self, entry: &[u8], proof: &[u8], history: &mut History, now: u64) -> Result<Accepted, Refused> {
        let (release, proof, cosigners) = self.check(entry, proof)?;
        let leaf = Hash::of_leaf(entry);
        let fresh = cosigners.within(now.saturating_sub(self.max_age)..=now.saturating_add(SKEW));
        if !fresh.has_quorum() {
            return Err(Refused::Stale);
        }
        let tree = proof.checkpoint().checkpoint();
        history.check(&release, leaf)?;
        history.grow(tree.origin(), tree.size(), tree.root())?;
        // What a rebuilder states is said of the last entry; and only of it do witnesses say that nothing newer was there.
        if !proof.is_of_last() {
            return Err(Refused::NotLatest);
        }
        let have = cosigners.in_group(&self.rebuilders);
        let warning = !cosigners.has_group(&self.rebuilders);
        if warning {
            let until = history.wait(leaf, now).saturating_add(self.cool_down);
            if now < until {
                return Err(Refused::TooFewRebuilders { have, need: self.rebuilders.threshold(), until });
            }
        }
        history.highest = Some((release.version, leaf));
        history.waiting.remove(&leaf);
        Ok(Accepted { release, witnesses: fresh.in_quorum(), rebuilders: have, warning })
    }
}

impl History {
    fn check(&self, release: &Release, leaf: Hash) -> Result<(), Refused> {
        match self.highest {
            Some((seen, _)) if release.version < seen => Err(Refused::Older { offered: release.version, seen }),
            Some((seen, known)) if release.version == seen && leaf != known => Err(Refused::Changed(seen)),
            _ => Ok(()),
        }
    }

    /// Takes note of a tree that a quorum saw. There are as many as the policy has logs.
    fn grow(&mut self, origin: &str, size: u64, root: Hash) -> Result<(), Refused> {
        match self.trees.get(origin) {
            Some((seen, _)) if size < *seen => Err(Refused::LogShrank),
            Some((seen, known)) if size == *seen && root != *known => Err(Refused::LogForked),
            _ => {
                self.trees.insert(origin.to_owned(), (size, root));
                Ok(())
            }
        }
    }

    /// Since when a release waits. A clock that was put back does not make it wait for longer than once.
    fn wait(&mut self, leaf: Hash, now: u64) -> u64 {
        if !self.waiting.contains_key(&leaf) && self.waiting.len() >= MAX_WAITING {
            let oldest = self.waiting.iter().min_by_key(|(_, since)| **since).map(|(leaf, _)| *leaf);
            oldest.map(|oldest| self.waiting.remove(&oldest));
        }
        let since = self.waiting.entry(leaf).or_insert(now);
        *since = (*since).min(now);
        *since
    }
}
