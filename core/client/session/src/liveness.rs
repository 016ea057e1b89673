use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{MemberId, Time};

use crate::screen::millis;

/// Heartbeats of meetings of up to [`SMALL`].
const PERIOD: Duration = Duration::from_secs(5);
const SMALL: usize = 100;
/// Beyond that, the whole meeting sends at most 20 heartbeats a second.
const PER_HEAD: Duration = Duration::from_millis(50);
/// What two members see differently for this long is no accident of timing.
const FORK: Duration = Duration::from_secs(10);

/// How often a member of a group of `people` sends a heartbeat.
pub(crate) fn period(people: usize) -> Duration {
    if people <= SMALL { PERIOD } else { PER_HEAD * u32::try_from(people).unwrap_or(u32::MAX) }
}

/// What this client knows of another member beside the group.
#[derive(Debug, Default, Clone)]
pub(crate) struct Peer {
    /// When something of it came through the log while this client was listening.
    heard: Option<Time>,
    /// The server says that its connection is gone.
    hint: Option<Time>,
    /// Since when its heartbeats do not fit the own view.
    forked: Option<Time>,
    pub(crate) mic: bool,
    pub(crate) camera: bool,
    pub(crate) screen: bool,
    pub(crate) speaking: bool,
}

/// The other members, and when they were heard.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    map: BTreeMap<MemberId, Peer>,
    /// Since when this client listens without a gap.
    listening: Time,
}

impl Peers {
    /// This client listens from now on: who was silent while it was away is not blamed for it.
    pub(crate) fn listen(&mut self, now: Time) {
        self.listening = now;
    }

    /// Keeps exactly these.
    pub(crate) fn keep(&mut self, members: &[conclave_mls::Member], me: &MemberId) {
        let there: BTreeSet<_> = members.iter().map(|m| m.identity).filter(|who| who != me).collect();
        self.map.retain(|who, _| there.contains(who));
        for who in there {
            self.map.entry(who).or_default();
        }
    }

    pub(crate) fn get(&self, who: &MemberId) -> Option<&Peer> {
        self.map.get(who)
    }

    pub(crate) fn get_mut(&mut self, who: &MemberId) -> Option<&mut Peer> {
        self.map.get_mut(who)
    }

    /// Something of `who` came through the log.
    pub(crate) fn heard(&mut self, who: &MemberId, now: Time) {
        if let Some(peer) = self.map.get_mut(who) {
            (peer.heard, peer.hint) = (Some(now), None);
        }
    }

    /// The server says that the connection of `who` is gone.
    pub(crate) fn hint(&mut self, who: &MemberId, now: Time) {
        if let Some(peer) = self.map.get_mut(who) {
            peer.hint.get_or_insert(now);
        }
    }

    /// Those whose removal this client may commit, and since when: silent for two periods. Of who was never heard others may
    /// know better: that is left to them for three times as long, if there are others.
    pub(crate) fn vanished(&self, now: Time) -> impl Iterator<Item = (MemberId, Time)> {
        let limit = self.patience();
        let others = self.map.values().any(|peer| peer.heard.is_some_and(|heard| now < heard + limit));
        self.map.iter().filter_map(move |(who, peer)| {
            let limit = if peer.heard.is_none() && others { limit * 3 } else { limit };
            let due = self.silent_since(peer) + limit;
            (now >= due).then_some((*who, due))
        })
    }

    /// When the next is silent for two periods.
    pub(crate) fn next_vanish(&self, now: Time) -> Option<Time> {
        let limits = [self.patience() * 3, self.patience(), self.away_after()];
        let times = self.map.values().flat_map(|peer| limits.map(|limit| self.silent_since(peer) + limit));
        times.chain(self.map.values().filter_map(|peer| peer.forked).map(|since| since + FORK)).filter(|at| *at > now).min()
    }

    /// Those whose removal by another member is believed: silent for a little less, since not everybody hears at the same time;
    /// and those that were never heard, of whom a newcomer cannot know better.
    pub(crate) fn believed_gone(&self, now: Time) -> BTreeSet<MemberId> {
        let limit = self.away_after();
        let gone = |peer: &Peer| peer.heard.is_none_or(|heard| now >= heard + limit);
        self.map.iter().filter(|(_, peer)| gone(peer)).map(|(who, _)| *who).collect()
    }

    /// Everybody: while catching up, this client cannot tell who was silent then.
    pub(crate) fn everybody(&self) -> BTreeSet<MemberId> {
        self.map.keys().copied().collect()
    }

    /// Unix milliseconds since when `who` is away.
    pub(crate) fn away_since(&self, who: &MemberId, now: Time) -> Option<f64> {
        let peer = self.map.get(who)?;
        let silent = self.silent_since(peer);
        peer.hint.or_else(|| (now >= silent + self.away_after()).then_some(silent)).map(millis)
    }

    /// A heartbeat of `who` came; `fits` if it shows what this client sees, `None` if that cannot be told now.
    pub(crate) fn compared(&mut self, who: &MemberId, fits: Option<bool>, now: Time) {
        if let Some(peer) = self.map.get_mut(who) {
            match fits {
                Some(true) => peer.forked = None,
                Some(false) => _ = peer.forked.get_or_insert(now),
                None => {}
            }
        }
    }

    /// Whether somebody has seen another group for too long.
    pub(crate) fn split(&self, now: Time) -> bool {
        self.map.values().any(|peer| peer.forked.is_some_and(|since| now >= since + FORK))
    }

    /// Everybody, this client too.
    pub(crate) fn people(&self) -> usize {
        self.map.len() + 1
    }

    /// Who is silent for so long is lost.
    pub(crate) fn patience(&self) -> Duration {
        self.period() * 2
    }

    fn period(&self) -> Duration {
        period(self.people())
    }

    /// Who is silent for so long is shown as away.
    pub(crate) fn away_after(&self) -> Duration {
        self.period() * 3 / 2
    }

    fn silent_since(&self, peer: &Peer) -> Time {
        peer.heard.unwrap_or(Time::ZERO).max(self.listening)
    }
}
