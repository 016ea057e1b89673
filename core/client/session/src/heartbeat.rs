use std::time::Duration;

use conclave_base::Time;
use conclave_mls::Group;
use conclave_protocol::payload::App;

use crate::context::Context;
use crate::log_writer::{LogWriter, Sent};
use crate::media_flags::MediaFlags;

/// Heartbeats of meetings of up to [`SMALL`].
const PERIOD: Duration = Duration::from_secs(5);
const SMALL: usize = 100;
/// Beyond that, the whole meeting sends at most 20 heartbeats a second.
const PER_MEMBER: Duration = Duration::from_millis(50);
/// Own states are sent at most this often.
const STATE_EVERY: Duration = Duration::from_millis(200);
/// After a member joined, the others say what their media is within this time for each member.
const STATE_PER_MEMBER: Duration = Duration::from_millis(20);

/// How often a member of a group of `members` sends a heartbeat.
pub(crate) fn heartbeat_period(members: usize) -> Duration {
    if members <= SMALL { PERIOD } else { PER_MEMBER * u32::try_from(members).unwrap_or(u32::MAX) }
}

/// What this member says of itself without being asked: that it is there and what it sees, and what its media is.
pub(crate) struct Heartbeat {
    next: Time,
    /// A heartbeat out of turn.
    confirm: Option<Time>,
    state: Option<Time>,
    last_state: Time,
    /// The own media when last looked at.
    own_media: MediaFlags,
}

impl Heartbeat {
    pub(crate) fn new(own_media: MediaFlags, now: Time) -> Self {
        let state = (own_media != MediaFlags::default()).then_some(now);
        Self { next: now, confirm: None, state, last_state: Time::ZERO, own_media }
    }

    /// A member joined: it has not read what was said before.
    pub(crate) fn on_join(&mut self, members: usize, ctx: &mut Context, now: Time) {
        if ctx.own_media != MediaFlags::default() {
            let within = STATE_PER_MEMBER * u32::try_from(members).unwrap_or(u32::MAX);
            self.state.get_or_insert(now + ctx.rng.spread(within));
        }
    }

    /// A newcomer waits for a word of somebody inside: this member's turn to give it is at this moment.
    pub(crate) fn confirm(&mut self, at: Time) {
        self.confirm = Some(at);
    }

    /// Another member gave it.
    pub(crate) fn on_confirmed(&mut self) {
        self.confirm = None;
    }

    /// Both are due at once.
    pub(crate) fn send_now(&mut self, now: Time) {
        (self.next, self.state) = (now, Some(now));
    }

    /// Notices that the own media changed.
    pub(crate) fn watch_own_media(&mut self, own_media: MediaFlags, now: Time) {
        if self.own_media != own_media {
            self.own_media = own_media;
            let due = now.max(self.last_state + STATE_EVERY);
            self.state = Some(self.state.map_or(due, |at| at.min(due)));
        }
    }

    /// Sends what is due.
    pub(crate) fn poll(&mut self, group: &mut Group, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        if self.state.is_some_and(|at| now >= at) {
            (self.state, self.last_state) = (None, now);
            log.append_app(group, &ctx.own_media.into(), Sent::Other, ctx, now);
        }
        if now >= self.next || self.confirm.is_some_and(|at| now >= at) {
            self.confirm = None;
            let period = heartbeat_period(group.members().len());
            self.next = now + (period - ctx.rng.spread(period / 10));
            let (authenticator, roster) = (group.authenticator8(), group.roster8());
            let read = log.verifier.position();
            let app = App::Heartbeat { epoch: group.epoch().0, authenticator, roster, seq: read.seq, chain_hash: read.chain_hash8() };
            log.append_app(group, &app, Sent::Other, ctx, now);
        }
    }

    pub(crate) fn deadlines(&self) -> [Option<Time>; 3] {
        [Some(self.next), self.confirm, self.state]
    }
}
