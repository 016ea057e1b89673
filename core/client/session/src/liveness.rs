use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{MemberId, Time};

use crate::media_flags::MediaFlags;
use crate::screen::millis;

/// Heartbeats of meetings of up to [`SMALL`].
const PERIOD: Duration = Duration::from_secs(5);
const SMALL: usize = 100;
/// Beyond that, the whole meeting sends at most 20 heartbeats a second.
const PER_MEMBER: Duration = Duration::from_millis(50);
/// What two members see differently for this long is no accident of timing.
const SPLIT: Duration = Duration::from_secs(10);

/// How often a member of a group of `members` sends a heartbeat.
pub(crate) fn heartbeat_period(members: usize) -> Duration {
    if members <= SMALL { PERIOD } else { PER_MEMBER * u32::try_from(members).unwrap_or(u32::MAX) }
}

/// What this client knows of another member beside the group.
#[derive(Debug, Default, Clone)]
pub(crate) struct Peer {
    /// When something of it came through the log while this client was listening.
    last_seen: Option<Time>,
    /// Since when the server says that its connection is gone.
    disconnected_hint: Option<Time>,
    /// The first and the last of its heartbeats that do not fit the own view, with none between that does.
    diverged: Option<(Time, Time)>,
    /// It came later than this client, and knows no better who is gone.
    joined_later: bool,
    pub(crate) media: MediaFlags,
}

/// Whose commit removes a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remover {
    /// This client's.
    This,
    /// Another member's.
    Another,
}

/// The other members: when they were heard, and who is presumed gone.
#[derive(Debug)]
pub(crate) struct Liveness {
    peers: BTreeMap<MemberId, Peer>,
    /// Those who asked to leave, and when this client read it. They stay gone whatever commit comes first.
    leaving: BTreeMap<MemberId, Time>,
    /// Since when this client listens without a gap.
    listening_since: Time,
    /// Since when this client missed what was said: the connection broke, and not all is read since.
    away_since: Option<Time>,
    /// When something of this client last came back through the log: since then the others have not heard it.
    last_echo: Time,
    /// When the last input came.
    last_run: Time,
    /// When somebody who was away was heard again, this client too.
    returned: Option<Time>,
}

impl Liveness {
    /// `members` are those of the own joining.
    pub(crate) fn new(members: &[conclave_mls::Member], me: &MemberId, now: Time) -> Self {
        let peers = members.iter().map(|m| (m.identity, Peer::default())).filter(|(who, _)| who != me).collect();
        Self { peers, leaving: BTreeMap::new(), listening_since: now, away_since: None, last_echo: now, last_run: now, returned: None }
    }

    /// Before anything else at each input: if the machine slept, no member is blamed for the silence.
    pub(crate) fn on_wake(&mut self, now: Time) {
        if now >= self.last_run + self.removal_timeout() {
            self.listening_since = now;
        }
        self.last_run = now;
    }

    /// The connection broke.
    pub(crate) fn on_away(&mut self, now: Time) {
        self.away_since.get_or_insert(now);
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away_since.is_some()
    }

    /// Everything was read: no member is blamed for the silence of before.
    pub(crate) fn on_caught_up(&mut self, now: Time) {
        (self.away_since, self.listening_since) = (None, now);
    }

    /// Keeps exactly these members.
    pub(crate) fn on_roster(&mut self, members: &[conclave_mls::Member], me: &MemberId) {
        let all: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        self.leaving.retain(|who, _| all.contains(who));
        self.peers.retain(|who, _| all.contains(who));
        for who in all.into_iter().filter(|who| who != me) {
            self.peers.entry(who).or_insert(Peer { joined_later: true, ..Peer::default() });
        }
    }

    pub(crate) fn get(&self, who: &MemberId) -> Option<&Peer> {
        self.peers.get(who)
    }

    pub(crate) fn get_mut(&mut self, who: &MemberId) -> Option<&mut Peer> {
        self.peers.get_mut(who)
    }

    /// Something of `who` came through the log. What comes while catching up was said at another time.
    pub(crate) fn on_seen(&mut self, who: &MemberId, now: Time) {
        let was_away = self.away_since(who, now).is_some();
        if self.away_since.is_none()
            && let Some(peer) = self.peers.get_mut(who)
        {
            (peer.last_seen, peer.disconnected_hint) = (Some(now), None);
            if was_away {
                self.returned = Some(now);
            }
        }
    }

    /// Whether somebody who was away was heard again just now: another member may have removed them before it heard of that.
    pub(crate) fn has_returned(&self, now: Time) -> bool {
        self.returned.is_some_and(|at| now < at + self.period())
    }

    /// Something of this client came back through the log.
    pub(crate) fn on_echo(&mut self, now: Time) {
        if self.is_silent(now) {
            self.returned = Some(now);
        }
        self.last_echo = now;
    }

    /// `who` asks to leave.
    pub(crate) fn on_leaving(&mut self, who: MemberId, now: Time) {
        self.leaving.entry(who).or_insert(now);
    }

    /// Who asked to leave, and since when.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = (MemberId, Time)> {
        self.leaving.iter().map(|(who, since)| (*who, *since))
    }

    /// The server says that the connection of `who` is gone.
    pub(crate) fn on_disconnected(&mut self, who: &MemberId, now: Time) {
        if let Some(peer) = self.peers.get_mut(who) {
            peer.disconnected_hint.get_or_insert(now);
        }
    }

    /// Who is presumed gone: those who asked to leave, and those who were silent for too long. This client is slower to remove a member
    /// than to accept that another removes it, since not everybody hears at the same time.
    pub(crate) fn presumed_gone(&self, remover: Remover, now: Time) -> BTreeSet<MemberId> {
        let mut gone: BTreeSet<_> = match remover {
            Remover::This => self.timed_out(now).map(|(who, _)| who).collect(),
            // While catching up, this client cannot tell who was silent then.
            Remover::Another if self.is_away() => self.peers.keys().copied().collect(),
            Remover::Another => {
                let limit = self.away_after();
                // Of those that were never heard, a newcomer cannot know better than the remover.
                let is_silent = |peer: &Peer| peer.last_seen.is_none_or(|seen| now >= seen + limit);
                self.peers.iter().filter(|(_, peer)| is_silent(peer)).map(|(who, _)| *who).collect()
            }
        };
        gone.extend(self.leaving.keys());
        gone
    }

    /// Those who were silent for three periods, and since when this client may remove them. Of one that was never heard those who have
    /// been here for longer may know better: that is left to them for twice as long, if there are any.
    pub(crate) fn timed_out(&self, now: Time) -> impl Iterator<Item = (MemberId, Time)> {
        let limit = self.removal_timeout();
        let is_heard = |peer: &Peer| peer.last_seen.is_some_and(|seen| now < seen + limit);
        let others = self.peers.values().any(|peer| !peer.joined_later && is_heard(peer));
        self.peers.iter().filter_map(move |(who, peer)| {
            let limit = if peer.last_seen.is_none() && others { limit * 2 } else { limit };
            let due = self.silent_since(peer) + limit;
            (now >= due).then_some((*who, due))
        })
    }

    /// Whether the others may presume that this client is gone.
    pub(crate) fn is_silent(&self, now: Time) -> bool {
        now >= self.last_echo + self.away_after()
    }

    /// When a member is next silent for too long.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        let limits = [self.removal_timeout() * 2, self.removal_timeout(), self.away_after()];
        let silences = self.peers.values().flat_map(|peer| limits.map(|limit| self.silent_since(peer) + limit));
        silences.filter(|at| *at > now).min()
    }

    /// Unix milliseconds since when `who` is away.
    pub(crate) fn away_since(&self, who: &MemberId, now: Time) -> Option<f64> {
        let peer = self.peers.get(who)?;
        let silent = self.silent_since(peer);
        peer.disconnected_hint.or_else(|| (now >= silent + self.away_after()).then_some(silent)).map(millis)
    }

    /// Whether `who`, a member up to now, is lost rather than gone on purpose: it did not ask to leave, and is away.
    pub(crate) fn is_lost(&self, who: &MemberId, now: Time) -> bool {
        !self.leaving.contains_key(who) && self.away_since(who, now).is_some()
    }

    /// A heartbeat of `who` came; `fits` if it shows what this client sees, `None` if that cannot be told now.
    pub(crate) fn on_heartbeat(&mut self, who: &MemberId, fits: Option<bool>, now: Time) {
        if let Some(peer) = self.peers.get_mut(who) {
            match fits {
                Some(true) => peer.diverged = None,
                Some(false) => peer.diverged = Some((peer.diverged.map_or(now, |(first, _)| first), now)),
                None => {}
            }
        }
    }

    /// Whether a member has seen another group for too long. Who said nothing since may have been overtaken by a commit, and then lost.
    pub(crate) fn is_split(&self) -> bool {
        self.peers.values().any(|peer| peer.diverged.is_some_and(|(first, last)| last >= first + SPLIT))
    }

    fn period(&self) -> Duration {
        heartbeat_period(self.peers.len() + 1)
    }

    /// A member that is silent for so long is lost. Twice [`Self::away_after`]: on a machine that stands still for seconds entries are
    /// read late, and who removes must not know of more silence than the others do.
    fn removal_timeout(&self) -> Duration {
        self.period() * 3
    }

    /// A member that is silent for so long is shown as away, and may be removed by others.
    fn away_after(&self) -> Duration {
        self.period() * 3 / 2
    }

    fn silent_since(&self, peer: &Peer) -> Time {
        peer.last_seen.unwrap_or(Time::ZERO).max(self.listening_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_what_heartbeats_say_for_long_and_not_the_silence_after_one() {
        let who = MemberId::of_key(b"bela");
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        let mut liveness = Liveness::new(&[], &who, at(0));
        liveness.peers.insert(who, Peer::default());
        liveness.on_heartbeat(&who, Some(false), at(5));
        liveness.on_wake(at(16));
        assert!(!liveness.is_split(), "overtaken by a commit, and then lost");
        liveness.on_heartbeat(&who, None, at(16));
        liveness.on_heartbeat(&who, Some(false), at(16));
        assert!(liveness.is_split());
        liveness.on_heartbeat(&who, Some(true), at(21));
        liveness.on_heartbeat(&who, Some(false), at(26));
        assert!(!liveness.is_split(), "they agreed meanwhile");
    }
}
