use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_protocol::ws::LogTime;

use crate::heartbeat::silence_limit;
use crate::media_flags::MediaFlags;
use crate::screen::millis;

/// Whoever was gone before this client came is out sooner after that: the server says again who is gone.
const ACQUAINTED: Duration = Duration::from_secs(5);
/// What two members see differently for this long, in milliseconds of log time, is no accident of timing.
const SPLIT_MS: u64 = 10_000;

/// What this client knows of another member beside the group.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Since when this client has it in its roster.
    member_since: Time,
    /// When something of it came through the log while this client was listening.
    last_seen: Option<Time>,
    /// When the newest word of this client was sent that it is known to have read; or when it was first seen.
    answered: Option<Time>,
    /// Since when the server says that its media connection is gone.
    media_lost: Option<Time>,
    /// The first and the last of its heartbeats that do not fit the own view, with none between that does.
    diverged: Option<(LogTime, LogTime)>,
    /// The server shows it another log.
    forked: bool,
    media: MediaFlags,
    /// Whether its microphone is on: as the last frame of its sound said, and as its last heartbeat since then did.
    mic: [Option<bool>; 2],
}

impl Peer {
    fn new(member_since: Time) -> Self {
        let media = MediaFlags::default();
        Self { member_since, last_seen: None, answered: None, media_lost: None, diverged: None, forked: false, media, mic: [None; 2] }
    }

    /// What its media is, as it says.
    pub(crate) fn media(&self) -> MediaFlags {
        self.media
    }

    /// It said so in the log, when something changed. `hides_speech`: not when the microphone did, of which its frames tell sooner.
    pub(crate) fn on_state(&mut self, media: MediaFlags, hides_speech: bool) {
        let before = std::mem::replace(&mut self.media, media);
        if hides_speech {
            self.media.mic = before.mic;
            self.on_beat(media.mic);
        }
    }

    /// It said so in a frame of its sound.
    pub(crate) fn on_frame(&mut self, mic: bool) {
        (self.media.mic, self.mic) = (mic, [Some(mic), None]);
    }

    /// It said so in a heartbeat. That may have been on its way when a frame said otherwise; two in a row were not.
    pub(crate) fn on_beat(&mut self, mic: bool) {
        if self.mic[0].is_none() || self.mic[1] == Some(mic) {
            self.media.mic = mic;
        }
        self.mic[1] = Some(mic);
    }

    fn is_apart(&self) -> bool {
        self.forked || self.diverged.is_some_and(|(first, last)| last.0.saturating_sub(first.0) >= SPLIT_MS)
    }
}

/// The other members as this client hears them, by its own clock: for the screen, and for whose turn it is. What is allowed is judged by
/// [`crate::absence::Absence`].
#[derive(Debug)]
pub(crate) struct Liveness {
    peers: BTreeMap<MemberId, Peer>,
    /// Those who asked to leave, and when this client read it.
    leaving: BTreeMap<MemberId, Time>,
    /// Since when this client listens without a gap.
    listening_since: Time,
    /// Since when this client missed what was said: the connection broke, and not all is read since.
    away_since: Option<Time>,
    /// When the last input came.
    last_run: Time,
    /// What the roster shows of somebody may have changed since it was last asked for.
    changed: bool,
}

impl Liveness {
    /// Nothing was heard yet.
    pub(crate) fn new(now: Time) -> Self {
        Self { peers: BTreeMap::new(), leaving: BTreeMap::new(), listening_since: now, away_since: None, last_run: now, changed: true }
    }

    /// Whether what the roster shows of somebody may have changed since the last call, but for what time alone does ([`Self::deadline`]).
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Before anything else at each input: if the machine slept, no member is blamed for the silence. Gives whether it did.
    pub(crate) fn on_wake(&mut self, now: Time) -> bool {
        let slept = now >= self.last_run + self.away_after();
        if slept {
            (self.listening_since, self.changed) = (now, true);
        }
        self.last_run = now;
        slept
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
        (self.away_since, self.listening_since, self.changed) = (None, now, true);
    }

    /// Keeps exactly these members.
    pub(crate) fn on_roster(&mut self, members: &[conclave_mls::Member], me: &MemberId) {
        self.changed = true;
        let all: BTreeSet<_> = members.iter().map(|m| m.identity).collect();
        self.leaving.retain(|who, _| all.contains(who));
        self.peers.retain(|who, _| all.contains(who));
        for who in all.into_iter().filter(|who| who != me) {
            self.peers.entry(who).or_insert(Peer::new(self.last_run));
        }
    }

    pub(crate) fn get(&self, who: &MemberId) -> Option<&Peer> {
        self.peers.get(who)
    }

    /// Takes what `who` says of its media.
    pub(crate) fn on_media(&mut self, who: &MemberId, take: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(who) {
            let before = peer.media;
            take(peer);
            self.changed |= peer.media != before;
        }
    }

    /// Something of `who` came through the log. What comes while catching up was said at another time.
    pub(crate) fn on_seen(&mut self, who: &MemberId, now: Time) {
        if self.away_since.is_none() {
            self.changed |= self.away_since(who, now).is_some();
            if let Some(peer) = self.peers.get_mut(who) {
                (peer.last_seen, peer.media_lost) = (Some(now), None);
                peer.answered.get_or_insert(now);
            }
        }
    }

    /// `who` has read what this client sent at this moment.
    pub(crate) fn on_answer(&mut self, who: &MemberId, sent: Time) {
        self.changed |= self.away_since(who, self.last_run).is_some();
        if let Some(peer) = self.peers.get_mut(who) {
            peer.answered = peer.answered.max(Some(sent));
        }
    }

    /// `who` asks to leave.
    pub(crate) fn on_leaving(&mut self, who: MemberId, now: Time) {
        self.leaving.entry(who).or_insert(now);
    }

    /// Who asked to leave, and since when.
    pub(crate) fn leaving(&self) -> impl Iterator<Item = (MemberId, Time)> {
        self.leaving.iter().map(|(who, since)| (*who, *since))
    }

    /// The server says that the media connection of `who` is gone.
    pub(crate) fn on_media_disconnected(&mut self, who: &MemberId, now: Time) {
        if let Some(peer) = self.peers.get_mut(who) {
            peer.media_lost.get_or_insert(now);
            self.changed = true;
        }
    }

    /// Whether `who` cannot be expected to do anything now.
    pub(crate) fn is_idle(&self, who: &MemberId, now: Time) -> bool {
        self.leaving.contains_key(who) || self.away_since(who, now).is_some()
    }

    /// When a member is next silent for so long that it is shown.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        let silences = self.peers.values().flat_map(|peer| self.silences(peer)).map(|(since, limit)| since + limit);
        silences.filter(|at| *at > now).min()
    }

    /// Unix milliseconds since when `who` is away.
    pub(crate) fn away_since(&self, who: &MemberId, now: Time) -> Option<f64> {
        let peer = self.peers.get(who)?;
        let silent = || self.silences(peer).into_iter().filter(|(since, limit)| now >= *since + *limit).map(|(since, _)| since).min();
        peer.media_lost.or_else(silent).map(millis)
    }

    /// Whether `who`, a member up to now, is lost rather than gone on purpose.
    pub(crate) fn is_lost(&self, who: &MemberId) -> bool {
        !self.leaving.contains_key(who)
    }

    /// Whether `who` was here together with this client: something of it came, or it was a member for a while. Else it may have been gone before.
    pub(crate) fn is_known(&self, who: &MemberId, now: Time) -> bool {
        self.peers.get(who).is_some_and(|peer| peer.last_seen.is_some() || now >= peer.member_since + ACQUAINTED)
    }

    /// A heartbeat of `who` stands in the log at this time; `fits` if it shows what this client sees, `None` if that cannot be told now. By the
    /// time of the log, since who was away reads at once what was said meanwhile.
    pub(crate) fn on_heartbeat(&mut self, who: &MemberId, fits: Option<bool>, at: LogTime) {
        if let Some(peer) = self.peers.get_mut(who) {
            match fits {
                Some(true) => peer.diverged = None,
                Some(false) => peer.diverged = Some((peer.diverged.map_or(at, |(first, _)| first), at)),
                None => {}
            }
        }
    }

    /// `who` reads the same log as this client, or another one. Gives whether that is new.
    pub(crate) fn on_log(&mut self, who: &MemberId, same: bool) -> bool {
        let Some(peer) = self.peers.get_mut(who) else { return false };
        !std::mem::replace(&mut peer.forked, !same) && !same
    }

    /// Whether most of the others read another log than this client, or see another group.
    pub(crate) fn is_forked(&self) -> bool {
        self.peers.values().filter(|peer| peer.is_apart()).count() * 2 > self.peers.len()
    }

    /// Whether a member has seen another group for too long, or reads another log. Who said nothing since may have been overtaken by a commit, and then lost.
    pub(crate) fn is_split(&self) -> bool {
        self.peers.values().any(Peer::is_apart)
    }

    /// A member that is silent for so long is shown as away.
    fn away_after(&self) -> Duration {
        silence_limit(self.peers.len() + 1) * 3 / 4
    }

    /// Since when nothing came of a member, and since when it answers nothing; with how long that may be.
    fn silences(&self, peer: &Peer) -> [(Time, Duration); 2] {
        let since = |at: Option<Time>| at.unwrap_or(Time::ZERO).max(self.listening_since);
        [(since(peer.last_seen), self.away_after()), (since(peer.answered), silence_limit(self.peers.len() + 1))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_what_heartbeats_say_for_long_and_not_the_silence_after_one() {
        let who = MemberId::of_key(b"bela");
        let said = |seconds: u64| LogTime(seconds * 1000);
        let mut liveness = Liveness::new(Time::ZERO);
        liveness.peers.insert(who, Peer::new(Time::ZERO));
        liveness.on_heartbeat(&who, Some(false), said(5));
        assert!(!liveness.is_split(), "overtaken by a commit, and then lost");
        liveness.on_heartbeat(&who, None, said(16));
        liveness.on_heartbeat(&who, Some(false), said(16));
        assert!(liveness.is_split());
        liveness.on_heartbeat(&who, Some(true), said(21));
        liveness.on_heartbeat(&who, Some(false), said(26));
        assert!(!liveness.is_split(), "they agreed meanwhile");
    }

    #[test]
    fn who_speaks_and_answers_nothing_is_away() {
        let who = MemberId::of_key(b"bela");
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        let mut liveness = Liveness::new(at(0));
        liveness.peers.insert(who, Peer::new(at(0)));
        for seconds in 1..30 {
            liveness.on_seen(&who, at(seconds));
            liveness.on_answer(&who, at(seconds.min(5)));
            assert_eq!(liveness.away_since(&who, at(seconds)).is_some(), seconds >= 15, "{seconds}");
        }
        liveness.on_answer(&who, at(28));
        assert!(liveness.away_since(&who, at(30)).is_none());
    }

    #[test]
    fn who_was_a_member_for_a_while_is_known_though_the_connection_broke_meanwhile() {
        let who = MemberId::of_key(b"bela");
        let at = |seconds: u64| Time::from_millis(seconds * 1000);
        let mut liveness = Liveness::new(at(0));
        liveness.peers.insert(who, Peer::new(at(0)));
        liveness.on_away(at(3));
        liveness.on_caught_up(at(4));
        assert!(!liveness.is_known(&who, at(4)), "it may have been gone before");
        assert!(liveness.is_known(&who, at(8)));
    }
}
