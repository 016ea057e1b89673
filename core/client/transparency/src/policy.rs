//! Whose signatures count (c2sp.org/tlog-policy).

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::SignedCheckpoint;
use crate::key::{Algorithm, VerifierKey};
use crate::note::NoteError;

/// Longest policy, bytes.
pub const MAX_POLICY: usize = 256 * 1024;
/// Most logs, and most witnesses and groups together.
pub const MAX_DEFINITIONS: usize = 128;

/// Why a policy is not taken, and in which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Longer than [`MAX_POLICY`], or more than [`MAX_DEFINITIONS`].
    #[error("policy too long")]
    TooLong,
    /// Not UTF-8, or with control characters.
    #[error("not a text")]
    NotText,
    /// No such line, or not with these words.
    #[error("line {0}: malformed")]
    Malformed(usize),
    /// Not a key, or not one for this purpose.
    #[error("line {0}: not a key for this")]
    Key(usize),
    /// The same key or name was there before.
    #[error("line {0}: there twice")]
    Twice(usize),
    /// Names what no line before it defines, or what is in another group already.
    #[error("line {0}: unknown name, or member of two groups")]
    Name(usize),
    /// Without exactly one quorum.
    #[error("no quorum")]
    NoQuorum,
}

/// What a name stands for.
#[derive(Debug, Clone)]
enum Party {
    Witness(VerifierKey, Option<String>),
    Group { threshold: usize, members: Vec<usize> },
}

/// Which logs are known, and which of the known cosigners are enough.
#[derive(Debug, Clone)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    /// In the order of their lines: a group names only what stands before it.
    parties: Vec<(String, Party)>,
    /// None: no cosignature is needed.
    quorum: Option<usize>,
}

impl Policy {
    /// Reads the file.
    pub fn parse(policy: &[u8]) -> Result<Self, PolicyError> {
        if policy.len() > MAX_POLICY {
            return Err(PolicyError::TooLong);
        }
        let policy = std::str::from_utf8(policy).map_err(|_| PolicyError::NotText)?;
        if policy.bytes().any(|b| (b < b' ' && b != b'\t' && b != b'\n') || b == 0x7f) {
            return Err(PolicyError::NotText);
        }
        let mut reader = Reader::default();
        for (line, number) in policy.split('\n').zip(1..) {
            let words: Vec<_> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                reader.read(&words, number)?;
            }
        }
        let Reader { logs, parties, quorum, .. } = reader;
        Ok(Self { logs, parties, quorum: quorum.ok_or(PolicyError::NoQuorum)? })
    }

    /// Keys of the logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Keys of all cosigners, with the addresses that they have in the policy.
    pub fn witnesses(&self) -> impl Iterator<Item = (&VerifierKey, Option<&str>)> {
        self.parties.iter().filter_map(|(_, party)| match party {
            Party::Witness(key, url) => Some((key, url.as_deref())),
            Party::Group { .. } => None,
        })
    }

    /// Who signed a checkpoint.
    pub fn cosigners(&self, checkpoint: &SignedCheckpoint) -> Result<Cosigners<'_>, NoteError> {
        let by_log = checkpoint.verify_log(&self.logs)?;
        let mut times = BTreeMap::new();
        for (place, (_, party)) in self.parties.iter().enumerate() {
            if let Party::Witness(key, _) = party
                && let Some(time) = checkpoint.verify(key)?
            {
                times.insert(place, time);
            }
        }
        Ok(Cosigners { policy: self, by_log, times })
    }

    /// A group by its name; none if it is none.
    pub fn group(&self, name: &str) -> Option<Group> {
        let place = self.parties.iter().position(|(known, _)| known == name)?;
        let (_, Party::Group { threshold, .. }) = self.parties.get(place)? else { return None };
        Some(Group { place, threshold: *threshold, cosigners: self.cosigners_below(place) })
    }

    /// What has to sign.
    pub(crate) const fn quorum(&self) -> Option<usize> {
        self.quorum
    }

    /// The cosigners of a party, however deep.
    fn cosigners_below(&self, party: usize) -> BTreeSet<usize> {
        let mut below = BTreeSet::new();
        let mut todo = vec![party];
        while let Some(place) = todo.pop() {
            match self.parties.get(place) {
                Some((_, Party::Group { members, .. })) => todo.extend(members),
                Some((_, Party::Witness(..))) => {
                    below.insert(place);
                }
                None => {}
            }
        }
        below
    }
}

/// A group of the policy.
#[derive(Debug, Clone)]
pub struct Group {
    place: usize,
    threshold: usize,
    cosigners: BTreeSet<usize>,
}

impl Group {
    /// How many of its members are enough.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Whether this key counts in it.
    pub(crate) fn has(&self, policy: &Policy, key: &VerifierKey) -> bool {
        let is_key = |place: &usize| matches!(policy.parties.get(*place), Some((_, Party::Witness(known, _))) if known == key);
        self.cosigners.iter().any(is_key)
    }

    /// Whether one key counts in both.
    pub fn overlaps(&self, policy: &Policy) -> bool {
        policy.quorum.is_some_and(|quorum| !policy.cosigners_below(quorum).is_disjoint(&self.cosigners))
    }
}

/// Who signed one checkpoint, of those that a policy knows.
#[derive(Debug, Clone)]
pub struct Cosigners<'a> {
    policy: &'a Policy,
    by_log: bool,
    times: BTreeMap<usize, u64>,
}

impl Cosigners<'_> {
    /// Whether a log of the policy signed, and that under its own name.
    pub const fn has_log(&self) -> bool {
        self.by_log
    }

    /// Whether they are enough.
    pub fn has_quorum(&self) -> bool {
        self.policy.quorum.is_none_or(|quorum| self.has(quorum))
    }

    /// Whether they are enough for this group.
    pub fn has_group(&self, group: &Group) -> bool {
        self.has(group.place)
    }

    /// How many there are of the quorum.
    pub fn in_quorum(&self) -> usize {
        let cosigners = self.policy.quorum.map(|quorum| self.policy.cosigners_below(quorum)).unwrap_or_default();
        self.times.keys().filter(|place| cosigners.contains(place)).count()
    }

    /// How many there are of this group.
    pub fn in_group(&self, group: &Group) -> usize {
        self.times.keys().filter(|place| group.cosigners.contains(place)).count()
    }

    /// Only those who signed within these times, POSIX seconds.
    pub fn within(&self, times: std::ops::RangeInclusive<u64>) -> Self {
        let kept = self.times.iter().filter(|(_, time)| times.contains(time)).map(|(place, time)| (*place, *time)).collect();
        Self { policy: self.policy, by_log: self.by_log, times: kept }
    }

    fn has(&self, party: usize) -> bool {
        // A group stands behind its members, so that each is known when it is asked for.
        let mut witnessed = BTreeSet::new();
        for (place, (_, known)) in self.policy.parties.iter().enumerate().take(party + 1) {
            let has = match known {
                Party::Witness(..) => self.times.contains_key(&place),
                Party::Group { threshold, members } => members.iter().filter(|member| witnessed.contains(*member)).count() >= *threshold,
            };
            if has {
                witnessed.insert(place);
            }
        }
        witnessed.contains(&party)
    }
}

#[derive(Default)]
struct Reader {
    logs: Vec<VerifierKey>,
    parties: Vec<(String, Party)>,
    quorum: Option<Option<usize>>,
    keys: BTreeSet<Vec<u8>>,
    members: BTreeSet<usize>,
}

impl Reader {
    fn read(&mut self, words: &[&str], line: usize) -> Result<(), PolicyError> {
        match words {
            ["log", vkey] | ["log", vkey, _] => {
                let key = self.key(vkey, &[Algorithm::Ed25519, Algorithm::MlDsa44], line)?;
                self.logs.push(key);
                if self.logs.len() > MAX_DEFINITIONS { Err(PolicyError::TooLong) } else { Ok(()) }
            }
            ["witness", name, vkey, url @ ..] if url.len() <= 1 => {
                let key = self.key(vkey, &[Algorithm::CosignatureV1, Algorithm::MlDsa44], line)?;
                self.define(name, Party::Witness(key, url.first().map(|url| (*url).to_owned())), line)
            }
            ["group", name, threshold, names @ ..] => {
                let mut members = Vec::new();
                for member in names {
                    let place = self.place(member).ok_or(PolicyError::Name(line))?;
                    if !self.members.insert(place) {
                        return Err(PolicyError::Name(line));
                    }
                    members.push(place);
                }
                let threshold = match *threshold {
                    "all" => Some(members.len()),
                    "any" => Some(1),
                    number => crate::text::decimal(number).and_then(|number| usize::try_from(number).ok()),
                };
                let threshold = threshold.filter(|k| (1..=members.len()).contains(k)).ok_or(PolicyError::Malformed(line))?;
                self.define(name, Party::Group { threshold, members }, line)
            }
            ["quorum", name] => {
                let quorum = if *name == "none" { None } else { Some(self.place(name).ok_or(PolicyError::Name(line))?) };
                if self.quorum.replace(quorum).is_some() { Err(PolicyError::Twice(line)) } else { Ok(()) }
            }
            _ => Err(PolicyError::Malformed(line)),
        }
    }

    /// A key that signs in one of these ways and was not there before, under whatever name.
    fn key(&mut self, vkey: &str, algorithms: &[Algorithm], line: usize) -> Result<VerifierKey, PolicyError> {
        let key: VerifierKey = vkey.parse().map_err(|_| PolicyError::Key(line))?;
        if !algorithms.contains(&key.algorithm()) {
            return Err(PolicyError::Key(line));
        }
        if self.keys.insert(key.public_key().to_vec()) { Ok(key) } else { Err(PolicyError::Twice(line)) }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.parties.iter().position(|(known, _)| known == name)
    }

    fn define(&mut self, name: &str, party: Party, line: usize) -> Result<(), PolicyError> {
        if name == "none" || self.place(name).is_some() {
            return Err(PolicyError::Twice(line));
        }
        self.parties.push((name.to_owned(), party));
        if self.parties.len() > MAX_DEFINITIONS { Err(PolicyError::TooLong) } else { Ok(()) }
    }
}
