use std::time::Duration;

use conclave_base::{LeafIndex, MemberId, Secret, Time};
use conclave_mls::{Change, Group, Outgoing};
use conclave_protocol::ws::{Class, Refusal};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::absence::Absence;
use crate::context::Context;
use crate::liveness::Liveness;
use crate::log_writer::{LogWriter, Sent};
use crate::newcomers::Newcomers;
use crate::orders::Orders;

/// At most one commit in this time; the committer of rank k waits k times as long.
const COMMIT_SLOT: Duration = Duration::from_millis(250);
/// After the server was busy, or a command failed.
const RETRY: Duration = Duration::from_secs(1);
/// Fresh path keys at least this often; above 150 members less often, so that all together cause one commit in two seconds.
const UPDATE: Duration = Duration::from_secs(300);
const UPDATE_PER_MEMBER: Duration = Duration::from_secs(2);
/// A joiner should not have to read more commits than this.
const SNAPSHOT_COMMITS: u32 = 32;
const SNAPSHOT_BYTES: usize = 32 * 1024;
/// In a large meeting it reads more, since the snapshot itself is large, and everybody reads that.
const SNAPSHOT_BYTES_PER_MEMBER: usize = 2 * 1024;
/// A heartbeat of an epoch that ended longer ago than this is from a member that stays behind.
const SETTLED: Duration = Duration::from_secs(2);

/// The commits and snapshots that one of the members must make, and when it is this one's turn.
pub(crate) struct Committer {
    /// The own commit in flight.
    in_flight: Option<u32>,
    /// Since when somebody else is absent.
    absent_since: Option<Time>,
    next_commit: Time,
    update: Time,
    /// Since when joiners need a snapshot.
    snapshot: Option<Time>,
    snapshot_after: Time,
    commits: u32,
    commit_bytes: usize,
    /// Since when proposals without effect stand where a snapshot is wanted.
    in_the_way: Option<Time>,
    epoch_began: Time,
    /// All members, in the order in which they commit.
    order: Vec<MemberId>,
    pub(crate) orders: Orders,
    pub(crate) newcomers: Newcomers,
    /// Seed of the device key that the own leaf is to show.
    pub(crate) device: Option<Secret<32>>,
}

/// A commit that took effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppliedCommit<'a> {
    pub(crate) change: &'a Change,
    /// Bytes of the sealed entry.
    pub(crate) size: usize,
    /// This client made it.
    pub(crate) own: bool,
}

/// A commit that somebody should make.
#[derive(Debug, Clone, Copy)]
enum PendingCommit {
    /// What this client wants as a host.
    Order,
    /// Of all who are absent by the log.
    RemoveAbsent,
    /// Of all who asked for it.
    Leaving,
    /// Of all who asked to be added.
    Add,
    Update,
    /// This client's leaf shows its device key.
    Device,
}

/// What is known of the other members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Others<'a> {
    pub(crate) absence: &'a Absence,
    pub(crate) liveness: &'a Liveness,
}

impl Committer {
    pub(crate) fn new(members: usize, ctx: &mut Context, now: Time) -> Self {
        Self {
            in_flight: None,
            absent_since: None,
            next_commit: now + COMMIT_SLOT,
            update: now + ctx.rng.spread(update_period(members)),
            snapshot: None,
            snapshot_after: now,
            commits: 0,
            commit_bytes: 0,
            in_the_way: None,
            epoch_began: now,
            order: Vec::new(),
            orders: std::mem::take(&mut ctx.memory.orders),
            newcomers: Newcomers::default(),
            device: ctx.people.device().cloned(),
        }
    }

    pub(crate) fn on_commit(&mut self, commit: AppliedCommit<'_>, group: &Group, ctx: &mut Context, now: Time) {
        (self.in_flight, self.next_commit, self.epoch_began) = (None, now + COMMIT_SLOT, now);
        self.in_the_way = None;
        self.orders.on_commit(group);
        self.newcomers.on_commit(group);
        self.commits += 1;
        self.commit_bytes += commit.size;
        if commit.change.snapshot_wanted || self.commits >= SNAPSHOT_COMMITS || self.is_snapshot_due() {
            self.request_snapshot(now);
        }
        if commit.own {
            let period = update_period(group.members().len());
            self.update = now + (period - ctx.rng.spread(period / 5));
        }
    }

    /// A commit or proposal came that has no effect. Joiners must read it all the same, and the log must keep it, until there is a snapshot;
    /// and the log takes none that could hide a proposal, before another commit.
    pub(crate) fn on_ineffective(&mut self, class: Class, size: usize, now: Time) {
        self.commit_bytes += size;
        if self.is_snapshot_due() {
            self.request_snapshot(now);
        }
        if class == Class::Commit {
            self.in_the_way = None;
        } else if self.snapshot.is_some() {
            self.in_the_way.get_or_insert(now);
        }
    }

    fn is_snapshot_due(&self) -> bool {
        self.commit_bytes >= SNAPSHOT_BYTES.max(SNAPSHOT_BYTES_PER_MEMBER * self.order.len())
    }

    pub(crate) fn request_snapshot(&mut self, now: Time) {
        self.snapshot.get_or_insert(now);
    }

    pub(crate) fn on_snapshot(&mut self) {
        (self.snapshot, self.commits, self.commit_bytes) = (None, 0, 0);
    }

    pub(crate) fn on_snapshot_refused(&mut self, now: Time) {
        self.snapshot_after = now + RETRY;
    }

    /// Draws the order of committers for the group's epoch: nobody can foresee or choose it, and everybody computes the same.
    pub(crate) fn elect(&mut self, group: &Group) {
        let key = group.media_base_key();
        // One block of HKDF-Expand (RFC 5869) is one HMAC.
        let Some(hmac) = key.and_then(|key| Hkdf::<Sha256>::from_prk(key.expose()).ok()) else { return };
        let draw = |leaf: LeafIndex| {
            let mut out = [0; 32];
            let label = [b"conclave/1 committer".as_slice(), &leaf.0.to_be_bytes()].concat();
            hmac.expand(&label, &mut out).map(|()| out).unwrap_or_default()
        };
        let mut drawn: Vec<_> = group.members().iter().map(|m| (draw(m.leaf), m.identity)).collect();
        drawn.sort_unstable();
        self.order = drawn.into_iter().map(|(_, who)| who).collect();
    }

    /// The append `request` was refused. Gives whether it was the commit in flight.
    pub(crate) fn on_commit_refused(&mut self, request: u32, why: Refusal, now: Time) -> bool {
        match why {
            // The commit that is said to have been faster comes, or the server contradicts itself: it is not asked without a pause.
            Refusal::Stale { .. } => self.next_commit = self.next_commit.max(now + COMMIT_SLOT),
            Refusal::Busy | Refusal::TooLarge => self.next_commit = now + RETRY,
        }
        self.in_flight.take_if(|commit| *commit == request).is_some()
    }

    /// An entry was read: others may be absent now, or no longer.
    pub(crate) fn on_absence(&mut self, absence: &Absence, me: &MemberId, now: Time) {
        self.absent_since = absence.is_another_absent(me).then(|| self.absent_since.unwrap_or(now));
    }

    /// An own commit came back and does not count.
    pub(crate) fn on_commit_ignored(&mut self, now: Time) {
        (self.in_flight, self.next_commit) = (None, now + COMMIT_SLOT);
    }

    /// The connection is new. Gives whether a commit was in flight, whose fate is unknown.
    pub(crate) fn on_reconnect(&mut self) -> bool {
        self.snapshot_after = Time::ZERO;
        self.in_flight.take().is_some()
    }

    /// Whether the epoch is old enough for everybody to be in it.
    pub(crate) fn is_settled(&self, now: Time) -> bool {
        now >= self.epoch_began + SETTLED
    }

    /// Makes what is this member's turn to make.
    pub(crate) fn poll(&mut self, group: &mut Group, others: Others<'_>, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        self.commit(group, others, log, ctx, now);
        self.append_snapshot(group, others, log, ctx, now);
    }

    /// When the next turn is, unless something comes first.
    pub(crate) fn deadlines(&self, group: &Group, others: Others<'_>, now: Time) -> [Option<Time>; 2] {
        if self.in_flight.is_some() {
            return [None, None];
        }
        let mut turn = self.turn(group, others, now);
        let snapshot = self.snapshot.map(|since| (since + turn()).max(self.snapshot_after));
        let commit = self.next_pending(group, others, turn, Time::MAX).map(|(at, _)| at.max(self.next_commit));
        [commit, snapshot]
    }

    /// How long this member waits for those before it. In a large meeting that is much to find out, so it is not before somebody has something to do.
    fn turn(&self, group: &Group, others: Others<'_>, now: Time) -> impl FnMut() -> Duration {
        let mut turn = None;
        move || *turn.get_or_insert_with(|| COMMIT_SLOT * self.rank(group, others, now))
    }

    fn commit(&mut self, group: &mut Group, others: Others<'_>, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        if self.in_flight.is_some() || group.is_pending() || now < self.next_commit {
            return;
        }
        let turn = self.turn(group, others, now);
        let Some((_, pending)) = self.next_pending(group, others, turn, now) else { return };
        let made = match pending {
            PendingCommit::Order => group.order(&self.orders.next(group).unwrap_or_default()),
            PendingCommit::RemoveAbsent => group.remove_absent(&others.absence.absent()),
            PendingCommit::Leaving => group.commit_pending(),
            PendingCommit::Add => group.add(self.newcomers.next(group)),
            PendingCommit::Update => group.update(),
            PendingCommit::Device => match &self.device {
                Some(device) => group.update_with_device(device),
                None => group.update(),
            },
        };
        match made {
            Ok(Outgoing { class, bytes }) => {
                self.in_flight = log.append(class, &bytes, Sent::Commit, ctx, now);
                if self.in_flight.is_none() {
                    group.discard_pending();
                    self.next_commit = now + RETRY;
                }
            }
            // Nobody of them can be added: they see that too, or come in by themselves.
            Err(_) if matches!(pending, PendingCommit::Add) => self.newcomers = Newcomers::default(),
            Err(_) => {
                if matches!(pending, PendingCommit::Order) {
                    self.orders.clear();
                }
                self.next_commit = now + RETRY;
            }
        }
    }

    /// The commit that is wanted first, of those due by `until`, and when it is due.
    fn next_pending(
        &self,
        group: &Group,
        others: Others<'_>,
        mut turn: impl FnMut() -> Duration,
        until: Time,
    ) -> Option<(Time, PendingCommit)> {
        let ordered = self.orders.next(group).map(|_| (Time::ZERO, PendingCommit::Order));
        let leaving = group.is_leave_pending().then(|| others.liveness.leaving().map(|(_, since)| since).min()).flatten();
        // Before anybody's turn there is nothing to wait for.
        let in_turn = [
            (leaving, PendingCommit::Leaving),
            (self.absent_since, PendingCommit::RemoveAbsent),
            (self.in_the_way, PendingCommit::Update),
            (self.newcomers.due(group.members().len(), self.epoch_began), PendingCommit::Add),
        ];
        let in_turn =
            in_turn.into_iter().filter_map(|(since, what)| since.filter(|since| *since <= until).map(|since| (since + turn(), what)));
        let is_device_due = self.device.is_some() && group.own_device().is_none();
        let device = is_device_due.then_some((Time::ZERO, PendingCommit::Device));
        let update = (self.update, PendingCommit::Update);
        let all = ordered.into_iter().chain(in_turn).chain(device).chain([update]);
        all.filter(|(due, _)| *due <= until).min_by_key(|(due, _)| *due)
    }

    fn append_snapshot(&mut self, group: &Group, others: Others<'_>, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        let Some(since) = self.snapshot else { return };
        let turn = since + COMMIT_SLOT * self.rank(group, others, now);
        if now < turn || now < self.snapshot_after || group.is_pending() {
            return;
        }
        self.snapshot_after = now + RETRY * 2;
        if let Ok(Outgoing { class, bytes }) = group.snapshot() {
            log.append(class, &bytes, Sent::Snapshot, ctx, now);
        }
    }

    /// When it is this member's turn to do what one member must do for `who`, from now on.
    pub(crate) fn turn_to_answer(&self, who: &MemberId, group: &Group, others: Others<'_>, now: Time) -> Time {
        now + COMMIT_SLOT * self.rank_without(Some(who), group, others, now)
    }

    /// This member's place among those who can commit now.
    fn rank(&self, group: &Group, others: Others<'_>, now: Time) -> u32 {
        self.rank_without(None, group, others, now)
    }

    fn rank_without(&self, passed: Option<&MemberId>, group: &Group, Others { absence, liveness }: Others<'_>, now: Time) -> u32 {
        let me = group.me();
        let can = |who: &&MemberId| Some(*who) != passed && !absence.is_absent(who) && !liveness.is_idle(who, now);
        let before = self.order.iter().take_while(|who| **who != me).filter(can);
        u32::try_from(before.count()).unwrap_or(u32::MAX)
    }
}

fn update_period(members: usize) -> Duration {
    UPDATE.max(UPDATE_PER_MEMBER * u32::try_from(members).unwrap_or(u32::MAX))
}
