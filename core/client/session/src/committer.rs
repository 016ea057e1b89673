//! What each member does for the group: signs of life, commits that somebody must make, snapshots for joiners.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{LeafIndex, MemberId, Redacted, Time};
use conclave_mls::{Change, CommandError, Group, Outgoing};
use conclave_protocol::payload::App;
use conclave_protocol::ws::Refusal;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::liveness::period;
use crate::log_writer::{Desk, Sent};
use crate::membership::Inside;

/// At most one commit in this time; the committer of rank k waits k times as long.
const TURN: Duration = Duration::from_millis(250);
/// After the server was busy, or a command failed.
const LATER: Duration = Duration::from_secs(1);
/// Fresh path keys at least this often; above 150 members less often, so that all together cause one commit in two seconds.
const UPDATE: Duration = Duration::from_secs(300);
const UPDATE_PER_HEAD: Duration = Duration::from_secs(2);
/// A joiner should not have to read more commits than this.
const SNAPSHOT_COMMITS: u32 = 32;
const SNAPSHOT_BYTES: usize = 32 * 1024;
/// After a server began anew, everybody is back within this: sockets try again every 8 s at the latest.
const COMING_BACK: Duration = Duration::from_secs(10);
/// Own states are sent at most this often.
const STATE_EVERY: Duration = Duration::from_millis(200);
/// A heartbeat of an epoch that ended longer ago than this is from a member that stays behind.
const SETTLED: Duration = Duration::from_secs(2);

/// What is due when.
pub(crate) struct Upkeep {
    /// The own commit under way.
    commit: Option<u32>,
    /// Whom it removes as lost, and its content: it counts only if that is still so when it comes back from the log.
    removing: Option<(MemberId, Vec<u8>)>,
    next_commit: Time,
    update: Time,
    heartbeat: Time,
    state: Option<Time>,
    last_state: Time,
    chat_after: Time,
    /// Since when joiners need a snapshot.
    snapshot: Option<Time>,
    snapshot_after: Time,
    commits: u32,
    commit_bytes: usize,
    epoch_began: Time,
    /// Everybody, in the order of committers.
    lots: Vec<MemberId>,
    /// To be removed by this client, who is a host.
    pub(crate) remove: BTreeSet<MemberId>,
}

impl Upkeep {
    pub(crate) fn new(people: usize, desk: &mut Desk, now: Time) -> Self {
        Self {
            commit: None,
            removing: None,
            next_commit: now + TURN,
            update: now + spread(update_period(people), desk),
            heartbeat: now,
            state: (desk.own != Default::default()).then_some(now),
            last_state: Time::ZERO,
            chat_after: now,
            snapshot: None,
            snapshot_after: now,
            commits: 0,
            commit_bytes: 0,
            epoch_began: now,
            lots: Vec::new(),
            remove: BTreeSet::new(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is what a commit is")]
    pub(crate) fn commit_seen(&mut self, change: &Change, size: usize, own: bool, joined: bool, people: usize, desk: &mut Desk, now: Time) {
        (self.commit, self.next_commit, self.epoch_began) = (None, now + TURN, now);
        self.commits += 1;
        self.commit_bytes += size;
        if change.snapshot_wanted || self.commits >= SNAPSHOT_COMMITS || self.commit_bytes >= SNAPSHOT_BYTES {
            self.want_snapshot(now);
        }
        if own {
            self.update = now + (update_period(people) - spread(update_period(people) / 5, desk));
        }
        if joined && desk.own != Default::default() {
            // The newcomer has not read what was said before it came.
            let within = Duration::from_millis(20) * u32::try_from(people).unwrap_or(u32::MAX);
            self.state.get_or_insert(now + spread(within, desk));
        }
    }

    pub(crate) fn want_snapshot(&mut self, now: Time) {
        self.snapshot.get_or_insert(now);
    }

    pub(crate) fn snapshot_seen(&mut self) {
        (self.snapshot, self.commits, self.commit_bytes) = (None, 0, 0);
    }

    pub(crate) fn snapshot_refused(&mut self, now: Time) {
        self.snapshot_after = now + LATER;
    }

    /// The order of committers in the group's epoch: nobody can foresee or choose it, and everybody computes the same.
    pub(crate) fn draw_lots(&mut self, group: &Group) {
        let key = group.media_base_key();
        // One block of HKDF-Expand (RFC 5869) is one HMAC.
        let Some(hmac) = key.and_then(|key| Hkdf::<Sha256>::from_prk(key.expose()).ok()) else { return };
        let lot = |leaf: LeafIndex| {
            let mut out = [0; 32];
            let label = [b"conclave/1 committer".as_slice(), &leaf.0.to_be_bytes()].concat();
            hmac.expand(&label, &mut out).map(|()| out).unwrap_or_default()
        };
        let mut lots: Vec<_> = group.members().iter().map(|m| (lot(m.leaf), m.identity)).collect();
        lots.sort_unstable();
        self.lots = lots.into_iter().map(|(_, who)| who).collect();
    }

    /// Whether it was the commit under way.
    pub(crate) fn commit_refused(&mut self, request: u32, why: Refusal, now: Time) -> bool {
        match why {
            Refusal::Stale { .. } => {}
            Refusal::Busy | Refusal::TooLarge => self.next_commit = now + LATER,
        }
        self.commit.take_if(|commit| *commit == request).is_some()
    }

    /// Whom the own commit with this content removes as lost.
    pub(crate) fn removes(&mut self, content: &[u8]) -> Option<MemberId> {
        self.removing.take_if(|(_, bytes)| bytes == content).map(|(who, _)| who)
    }

    /// An own commit came back and does not count.
    pub(crate) fn commit_ignored(&mut self, now: Time) {
        (self.commit, self.next_commit) = (None, now + TURN);
    }

    /// Whether a commit was under way whose fate is unknown.
    pub(crate) fn forget_commit(&mut self) -> bool {
        self.snapshot_after = Time::ZERO;
        self.commit.take().is_some()
    }

    /// The own state changed.
    pub(crate) fn state_changed(&mut self, now: Time) {
        let due = now.max(self.last_state + STATE_EVERY);
        self.state = Some(self.state.map_or(due, |at| at.min(due)));
    }

    /// A heartbeat and the state are due at once.
    pub(crate) fn show_life(&mut self, now: Time) {
        (self.heartbeat, self.state) = (now, Some(now));
    }

    /// The server is busy: chat waits.
    pub(crate) fn wait(&mut self, now: Time) {
        self.chat_after = now + LATER;
    }

    /// Whether the epoch is old enough for everybody to be in it.
    pub(crate) fn is_settled(&self, now: Time) -> bool {
        now >= self.epoch_began + SETTLED
    }
}

impl Inside {
    pub(crate) fn keep_up(&mut self, desk: &mut Desk, now: Time) {
        self.send_chat(desk, now);
        if self.upkeep.state.is_some_and(|at| now >= at) {
            (self.upkeep.state, self.upkeep.last_state) = (None, now);
            let (mic, camera, screen, speaking) = desk.own;
            self.send(&App::State { mic, camera, screen, speaking }, Sent::Other, desk);
        }
        if now >= self.upkeep.heartbeat {
            let period = period(self.peers.people());
            self.upkeep.heartbeat = now + (period - spread(period / 10, desk));
            let (authenticator, roster) = (self.group.authenticator8(), self.group.roster8());
            self.send(&App::Heartbeat { epoch: self.group.epoch().0, authenticator, roster }, Sent::Other, desk);
        }
        if desk.chain.has_all_commits() {
            self.commit(desk, now);
            self.append_snapshot(desk, now);
        }
    }

    pub(crate) fn upkeep_due(&self, desk: &Desk, now: Time) -> Option<Time> {
        let upkeep = &self.upkeep;
        let chat = (!desk.unsent.is_empty()).then(|| self.chat_after(desk));
        let mut due = vec![Some(upkeep.heartbeat), upkeep.state, chat];
        if upkeep.commit.is_none() && desk.chain.has_all_commits() {
            let rank = self.rank(now);
            let wanted = self.wanted_commit(rank, Time::MAX).map(|(at, _)| at.max(upkeep.next_commit));
            due.extend([wanted, upkeep.snapshot.map(|since| (since + TURN * rank).max(upkeep.snapshot_after))]);
        }
        // What is due already and could not be done now waits for an input.
        due.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// From when on chat goes out. Who joins a group reads nothing that was said in it before: it waits while those who were inside
    /// are expected back.
    fn chat_after(&self, desk: &Desk) -> Time {
        let expected = self.group.members().len() < desk.company;
        let back = if expected { self.entered + COMING_BACK } else { Time::ZERO };
        self.upkeep.chat_after.max(back)
    }

    fn send_chat(&mut self, desk: &mut Desk, now: Time) {
        while now >= self.chat_after(desk)
            && let Some(line) = desk.unsent.pop_front()
        {
            let Some(text) = desk.screen.text(line) else { continue };
            if !self.send(&App::Chat { text: Redacted::new(text) }, Sent::Chat(line), desk) {
                desk.unsent.push_front(line);
                self.upkeep.wait(now);
            }
        }
    }

    fn send(&mut self, app: &App, what: Sent, desk: &mut Desk) -> bool {
        let Ok(Outgoing { class, bytes }) = self.group.application(app) else { return false };
        desk.append(class, &bytes, what).is_some()
    }

    /// Makes the commit that is this member's turn to make.
    fn commit(&mut self, desk: &mut Desk, now: Time) {
        if self.upkeep.commit.is_some() || self.group.is_pending() || now < self.upkeep.next_commit {
            return;
        }
        let Some((_, wanted)) = self.wanted_commit(self.rank(now), now) else { return };
        let mut gone: BTreeSet<_> = self.peers.vanished(now).map(|(who, _)| who).collect();
        gone.extend(self.leaving.keys());
        let made = match wanted {
            Wanted::Remove(who) => self.group.remove(&who, &gone),
            Wanted::Leaving(who) => match self.group.commit_pending() {
                // The request was of an epoch that ended before anybody committed it.
                Err(CommandError::Nothing) => self.group.remove(&who, &gone),
                made => made,
            },
            Wanted::Update => self.group.update(),
        };
        match made {
            Ok(Outgoing { class, bytes }) => {
                self.upkeep.removing = match wanted {
                    // A host's removal counts for everybody, whether it wanted somebody out or lost them.
                    Wanted::Remove(who) if !self.is_host() => Some((who, bytes.clone())),
                    Wanted::Remove(_) | Wanted::Leaving(_) | Wanted::Update => None,
                };
                self.upkeep.commit = desk.append(class, &bytes, Sent::Commit);
                if self.upkeep.commit.is_none() {
                    self.group.discard_pending();
                    self.upkeep.next_commit = now + LATER;
                }
            }
            Err(_) => {
                if let Wanted::Remove(who) = wanted {
                    self.upkeep.remove.remove(&who);
                }
                self.upkeep.next_commit = now + LATER;
            }
        }
    }

    /// The commit that is wanted first, of those due by `until`, and when it is due.
    fn wanted_commit(&self, rank: u32, until: Time) -> Option<(Time, Wanted)> {
        let turn = TURN * rank;
        let is_member = |who: &&MemberId| self.group.members().iter().any(|m| m.identity == **who);
        let asked = self.upkeep.remove.iter().filter(is_member).map(|who| (Time::ZERO, Wanted::Remove(*who)));
        let leaving = self.leaving.iter().map(|(who, since)| (*since + turn, Wanted::Leaving(*who)));
        let vanished = self.peers.vanished(until).map(|(who, due)| (due + turn, Wanted::Remove(who)));
        let update = [(self.upkeep.update, Wanted::Update)];
        asked.chain(leaving).chain(vanished).chain(update).filter(|(due, _)| *due <= until).min_by_key(|(due, _)| *due)
    }

    fn append_snapshot(&mut self, desk: &mut Desk, now: Time) {
        let Some(since) = self.upkeep.snapshot else { return };
        let turn = since + TURN * self.rank(now);
        if now < turn || now < self.upkeep.snapshot_after || self.group.is_pending() {
            return;
        }
        self.upkeep.snapshot_after = now + LATER * 2;
        if let Ok(Outgoing { class, bytes }) = self.group.snapshot() {
            desk.append(class, &bytes, Sent::Snapshot);
        }
    }

    fn is_host(&self) -> bool {
        let me = self.group.me();
        self.group.members().iter().any(|m| m.identity == me && m.host)
    }

    /// This member's place among those who can commit now.
    fn rank(&self, now: Time) -> u32 {
        let me = self.group.me();
        let gone: BTreeSet<_> = self.peers.vanished(now).map(|(who, _)| who).collect();
        let before = self.upkeep.lots.iter().take_while(|who| **who != me);
        u32::try_from(before.filter(|who| !gone.contains(who) && !self.leaving.contains_key(who)).count()).unwrap_or(u32::MAX)
    }
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    Remove(MemberId),
    Leaving(MemberId),
    Update,
}

fn update_period(people: usize) -> Duration {
    UPDATE.max(UPDATE_PER_HEAD * u32::try_from(people).unwrap_or(u32::MAX))
}

/// Evenly within `span`.
fn spread(span: Duration, desk: &mut Desk) -> Duration {
    Duration::from_micros(desk.chance.below(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
}
