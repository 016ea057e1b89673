//! Who may be taken out of the group by anybody: judged by the log alone, so that all members judge a commit alike, and so that what an honest
//! member commits always counts (`docs/design/012-removals.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{Epoch, MemberId};
use conclave_mls::Member;
use conclave_protocol::ws::LogTime;

use crate::heartbeat::silence_limit;

/// A gap between two entries counts as at most this: a pause of the server, or of everybody, makes nobody absent.
const GAP: Duration = Duration::from_millis(2500);

/// What the log says of the presence of each member, since somebody last joined: what came before, that newcomer could not read, and the
/// others do not count it either.
#[derive(Debug)]
pub(crate) struct Absence {
    /// Of the newest entry.
    at: LogTime,
    /// The sum of all gaps between entries, each at most [`GAP`].
    silence: Duration,
    /// Where the group stood when somebody last joined.
    joined: Epoch,
    members: BTreeMap<MemberId, Presence>,
}

#[derive(Debug, Clone, Copy)]
struct Presence {
    /// [`Absence::silence`] at its last entry, or at the last join.
    heard: Duration,
    /// The server said that it is gone, or it asked to leave; and nothing of it came since.
    gone: bool,
    /// It was absent at some entry since the last commit that counted: whoever had read no further may have committed its removal.
    was_absent: bool,
}

impl Presence {
    /// Heard at this moment of [`Absence::silence`].
    const fn heard(at: Duration) -> Self {
        Self { heard: at, gone: false, was_absent: false }
    }
}

impl Absence {
    /// This client joined by the entry of this time.
    pub(crate) fn new(members: &[Member], joined: Epoch, at: LogTime) -> Self {
        let mut absence = Self { at, silence: Duration::ZERO, joined, members: BTreeMap::new() };
        absence.on_roster(members);
        absence
    }

    /// The next entry is of this time.
    pub(crate) fn on_entry(&mut self, at: LogTime) {
        self.silence += at.since(self.at).min(GAP);
        self.at = at;
    }

    /// An entry of `who`, of this epoch. What is of an epoch before the last join, not everybody could read.
    pub(crate) fn on_heard(&mut self, who: &MemberId, epoch: Epoch) {
        let was_absent = self.is_absent(who);
        if epoch >= self.joined
            && let Some(presence) = self.members.get_mut(who)
        {
            let was_absent = presence.was_absent || was_absent;
            *presence = Presence { was_absent, ..Presence::heard(self.silence) };
        }
    }

    /// The server says that the connection of `who` has ended, or `who` asks to leave.
    pub(crate) fn on_gone(&mut self, who: &MemberId) {
        if let Some(presence) = self.members.get_mut(who) {
            presence.gone = true;
        }
    }

    /// Somebody joined, in this epoch: all begin anew.
    pub(crate) fn on_join(&mut self, epoch: Epoch) {
        self.joined = epoch;
        for presence in self.members.values_mut() {
            *presence = Presence::heard(self.silence);
        }
    }

    /// A commit counted, whose author was heard by it: the next one is made by somebody who has read all up to here, since the log takes no other.
    pub(crate) fn on_commit(&mut self) {
        for presence in self.members.values_mut() {
            presence.was_absent = false;
        }
    }

    /// Whether all who are inside have the keys of this epoch: nobody came in after it.
    pub(crate) fn is_for_all(&self, epoch: Epoch) -> bool {
        epoch >= self.joined
    }

    /// Keeps exactly these members, this client among them.
    pub(crate) fn on_roster(&mut self, members: &[Member]) {
        let all: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        self.members.retain(|who, _| all.contains(who));
        for who in all {
            self.members.entry(who).or_insert(Presence::heard(self.silence));
        }
    }

    /// Whether `who` is absent at the newest entry.
    pub(crate) fn is_absent(&self, who: &MemberId) -> bool {
        let limit = silence_limit(self.members.len());
        self.members.get(who).is_some_and(|presence| self.is_away(presence, limit))
    }

    /// All who are absent at the newest entry; this client may be among them.
    pub(crate) fn absent(&self) -> BTreeSet<MemberId> {
        self.members.keys().filter(|who| self.is_absent(who)).copied().collect()
    }

    /// All whom a commit at the newest entry may remove, whoever made it: its author may not have read that somebody spoke up.
    pub(crate) fn removable(&self) -> BTreeSet<MemberId> {
        self.members.iter().filter(|(who, presence)| presence.was_absent || self.is_absent(who)).map(|(who, _)| *who).collect()
    }

    /// Whether anybody but this client is absent.
    pub(crate) fn is_another_absent(&self, me: &MemberId) -> bool {
        let limit = silence_limit(self.members.len());
        self.members.iter().any(|(who, presence)| self.is_away(presence, limit) && who != me)
    }

    fn is_away(&self, presence: &Presence, limit: Duration) -> bool {
        presence.gone || self.silence >= presence.heard + limit
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::{LeafIndex, Redacted};

    use super::*;

    fn member(n: u8) -> Member {
        let key = [n; 32];
        Member {
            leaf: LeafIndex(n.into()),
            identity: MemberId::of_key(&key),
            key,
            name: Redacted::new(String::new()),
            host: false,
            device: None,
            software: None,
        }
    }

    fn world() -> (Absence, MemberId, MemberId) {
        let members = [member(0), member(1)];
        (Absence::new(&members, Epoch(5), LogTime(60_000)), members[0].identity, members[1].identity)
    }

    /// Entries of the first member, this many ms apart.
    fn speak(absence: &mut Absence, who: &MemberId, times: u64, millis: u64) {
        for _ in 0..times {
            absence.on_entry(LogTime(absence.at.0 + millis));
            absence.on_heard(who, Epoch(5));
        }
    }

    #[test]
    fn who_says_nothing_for_ten_seconds_of_the_log_is_absent_and_who_speaks_is_not() {
        let (mut absence, a, b) = world();
        speak(&mut absence, &a, 9, 1000);
        assert_eq!(absence.absent(), BTreeSet::new());
        speak(&mut absence, &a, 1, 1000);
        assert_eq!(absence.absent(), BTreeSet::from([b]));
        absence.on_heard(&b, Epoch(5));
        assert_eq!(absence.absent(), BTreeSet::new());
    }

    #[test]
    fn whoever_was_absent_since_the_last_commit_may_be_removed_by_who_did_not_read_that_it_is_back() {
        let (mut absence, a, b) = world();
        absence.on_gone(&b);
        assert_eq!((absence.absent(), absence.removable()), (BTreeSet::from([b]), BTreeSet::from([b])));
        speak(&mut absence, &b, 2, 60_000);
        assert_eq!((absence.absent(), absence.removable()), (BTreeSet::new(), BTreeSet::from([b])), "a commit may be under way for long");
        absence.on_commit();
        assert_eq!(absence.removable(), BTreeSet::new(), "and another commit was faster");
        absence.on_gone(&b);
        absence.on_commit();
        assert_eq!(absence.removable(), BTreeSet::from([b]), "it is gone still");
        absence.on_heard(&b, Epoch(5));
        absence.on_join(Epoch(6));
        assert_eq!(absence.removable(), BTreeSet::new(), "the newcomer did not read it");
        absence.on_heard(&a, Epoch(6));
        assert_eq!(absence.removable(), BTreeSet::new());
    }

    #[test]
    fn a_pause_of_everybody_makes_nobody_absent() {
        let (mut absence, a, _) = world();
        speak(&mut absence, &a, 3, 600_000);
        assert_eq!(absence.absent(), BTreeSet::new());
        speak(&mut absence, &a, 1, 600_000);
        assert_eq!(absence.absent().len(), 1, "four gaps are ten seconds");
    }

    #[test]
    fn gone_holds_until_a_word_or_a_join() {
        let (mut absence, _, b) = world();
        absence.on_gone(&b);
        assert!(absence.is_absent(&b));
        absence.on_heard(&b, Epoch(5));
        assert!(!absence.is_absent(&b));
        absence.on_gone(&b);
        absence.on_join(Epoch(6));
        assert!(!absence.is_absent(&b), "the newcomer did not read it");
    }

    #[test]
    fn what_a_newcomer_could_not_read_is_no_sign_of_life() {
        let (mut absence, _, b) = world();
        absence.on_gone(&b);
        absence.on_heard(&b, Epoch(4));
        assert!(absence.is_absent(&b));
    }

    #[test]
    fn a_large_meeting_waits_as_long_as_its_heartbeats_take() {
        let members: Vec<_> = (0..200).map(member).collect();
        let mut absence = Absence::new(&members, Epoch(1), LogTime(0));
        for _ in 0..19 {
            absence.on_entry(LogTime(absence.at.0 + 1000));
        }
        assert_eq!(absence.absent().len(), 0);
        absence.on_entry(LogTime(absence.at.0 + 1000));
        assert_eq!(absence.absent().len(), 200);
    }
}
