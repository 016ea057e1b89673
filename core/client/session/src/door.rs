//! Who waits outside, and what is said between them and the hosts.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{MeetingId, MemberId, Redacted, SessionId, Time};
use conclave_mls::{Member, clean_line, clean_name, identity_of, is_signed_by};
use conclave_protocol::limits::{DECLINE_CHARS, WAITING};
use conclave_protocol::payload::{JoinRequest, SeenPolicy};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::look_alike::looks_of;
use crate::screen::millis;
use crate::snapshot::Waiting;

/// Who waits asks again after this: a host that came meanwhile learns of it.
pub(crate) const KNOCK_EVERY: Duration = Duration::from_secs(5);
/// Who did not ask again for this long waits no more.
const FORGOTTEN: Duration = Duration::from_secs(16);

/// Asks to be let in, under this name and by this leaf key.
pub(crate) fn knock(
    name: &str,
    leaf_key: &SigningKey,
    meeting: &MeetingId,
    session: &SessionId,
    seen: Option<Box<SeenPolicy>>,
) -> JoinRequest {
    let signature = leaf_key.sign(&knock_claim(name, meeting, session)).to_bytes();
    JoinRequest::Knock { name: Redacted::new(name.to_owned()), leaf_key: leaf_key.verifying_key().to_bytes(), signature, seen }
}

/// Says as a host that `who` is not let in.
pub(crate) fn decline(who: MemberId, word: &str, host: &SigningKey, meeting: &MeetingId, session: &SessionId) -> JoinRequest {
    let signature = host.sign(&decline_claim(&who, word, meeting, session)).to_bytes();
    JoinRequest::Decline { who, word: Redacted::new(word.to_owned()), by: host.verifying_key().to_bytes(), signature }
}

/// What a join request says once its signature was checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AtTheDoor {
    Knocks {
        who: MemberId,
        name: String,
        seen: Option<Box<SeenPolicy>>,
    },
    Declined {
        who: MemberId,
        word: String,
    },
    /// May come in, and asks a member to add it.
    Asks {
        who: MemberId,
        key_package: Vec<u8>,
    },
}

/// Reads the content of an entry; `None` if it is malformed, not signed by who it should be, or of another session.
pub(crate) fn read(content: &[u8], inside: &[Member], meeting: &MeetingId, session: &SessionId) -> Option<AtTheDoor> {
    match JoinRequest::decode(content).ok()? {
        JoinRequest::Knock { name, leaf_key, signature, seen } => {
            let claim = knock_claim(name.expose(), meeting, session);
            let who = MemberId::of_key(&leaf_key);
            is_signed_by(&leaf_key, &claim, &signature).then(|| AtTheDoor::Knocks { who, name: clean_name(name.expose()), seen })
        }
        JoinRequest::Decline { who, word, by, signature } => {
            let by_host = inside.iter().any(|m| m.host && m.key == by);
            let claim = decline_claim(&who, word.expose(), meeting, session);
            let signed = by_host && is_signed_by(&by, &claim, &signature);
            signed.then(|| AtTheDoor::Declined { who, word: clean_line(word.expose(), DECLINE_CHARS) })
        }
        // Whether it is a good one is looked at by who adds it, and then by all.
        JoinRequest::KeyPackage(key_package) => {
            identity_of(&key_package).map(|who| AtTheDoor::Asks { who, key_package: key_package.into_vec() })
        }
    }
}

fn knock_claim(name: &str, meeting: &MeetingId, session: &SessionId) -> Vec<u8> {
    [b"conclave/1 knock".as_slice(), meeting.as_bytes(), session.as_bytes(), name.as_bytes()].concat()
}

fn decline_claim(who: &MemberId, word: &str, meeting: &MeetingId, session: &SessionId) -> Vec<u8> {
    [b"conclave/1 decline".as_slice(), meeting.as_bytes(), session.as_bytes(), who.as_bytes(), word.as_bytes()].concat()
}

/// Who asks to be let in, as a member sees it.
#[derive(Debug, Default)]
pub(crate) struct WaitingList {
    /// Longest first; at most [`WAITING`].
    waiting: Vec<Knocking>,
    /// A host declined them, and the hosts hear them no more; at most [`WAITING`].
    declined: BTreeSet<MemberId>,
}

#[derive(Debug)]
struct Knocking {
    who: MemberId,
    name: String,
    looks: String,
    since: Time,
    heard: Time,
}

impl WaitingList {
    /// `who` asks. Gives whether it is new.
    pub(crate) fn on_knock(&mut self, who: MemberId, name: String, now: Time) -> bool {
        if self.declined.contains(&who) {
            return false;
        }
        if let Some(known) = self.waiting.iter_mut().find(|known| known.who == who) {
            known.heard = now;
            return false;
        }
        let has_room = self.waiting.len() < WAITING;
        if has_room {
            self.waiting.push(Knocking { who, looks: looks_of(&name), name, since: now, heard: now });
        }
        has_room
    }

    pub(crate) fn on_declined(&mut self, who: MemberId) {
        self.remove(&who);
        if self.declined.len() < WAITING {
            self.declined.insert(who);
        }
    }

    /// Its connection ended, or it is inside.
    pub(crate) fn remove(&mut self, who: &MemberId) {
        self.waiting.retain(|known| known.who != *who);
    }

    pub(crate) fn contains(&self, who: &MemberId) -> bool {
        self.waiting.iter().any(|known| known.who == *who)
    }

    /// Who does not ask any more waits no more.
    pub(crate) fn expire(&mut self, now: Time) {
        self.waiting.retain(|known| now < known.heard + FORGOTTEN);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.waiting.iter().map(|known| known.heard + FORGOTTEN).min()
    }

    /// For the page: but for those who are let in already and have not come yet.
    pub(crate) fn list(&self, admitted: &[MemberId]) -> Vec<Waiting> {
        let waiting = self.waiting.iter().filter(|known| admitted.binary_search(&known.who).is_err());
        let one = |known: &Knocking| Waiting {
            identity: known.who.to_text(),
            name: known.name.clone(),
            looks: known.looks.clone(),
            since: millis(known.since),
        };
        waiting.map(one).collect()
    }
}
