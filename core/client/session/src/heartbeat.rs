use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_mls::Group;
use conclave_protocol::payload::App;

use crate::context::Context;
use crate::log_writer::{LogWriter, Sent};
use crate::media_flags::MediaFlags;

/// An answer to a heartbeat may be two periods old, and has a way to go: that must fit into [`silence_limit`].
const PERIOD: Duration = Duration::from_secs(3);
/// The whole meeting sends at most 25 heartbeats a second.
const PERIOD_PER_MEMBER: Duration = Duration::from_millis(40);
/// What is this old proves nothing any more.
const LIMIT: Duration = Duration::from_secs(10);
/// In meetings of more than 100 it grows as the period does.
const LIMIT_PER_MEMBER: Duration = Duration::from_millis(100);
/// Own states are sent at most this often.
const STATE_EVERY: Duration = Duration::from_millis(200);
/// After a member joined, the others say what their media is within this time for each member.
const STATE_PER_MEMBER: Duration = Duration::from_millis(20);

/// How often a member of a group of `members` sends a heartbeat.
fn heartbeat_period(members: usize) -> Duration {
    PERIOD.max(PERIOD_PER_MEMBER.saturating_mul(u32::try_from(members).unwrap_or(u32::MAX)))
}

/// For how long a sign of life counts in a group of `members`.
pub(crate) fn silence_limit(members: usize) -> Duration {
    LIMIT.max(LIMIT_PER_MEMBER.saturating_mul(u32::try_from(members).unwrap_or(u32::MAX)))
}

/// What this member says of itself without being asked: that it is there and what it sees, and what its media is.
pub(crate) struct Heartbeat {
    next: Time,
    /// A heartbeat out of turn, for this member.
    confirm: Option<(Time, MemberId)>,
    state: Option<Time>,
    last_state: Time,
    /// The own media when last looked at: what may be said when it changes. The rest goes with the next heartbeat.
    own_media: MediaFlags,
}

impl Heartbeat {
    /// `own_media`: what is visible of it, as in [`Self::watch_own_media`].
    pub(crate) fn new(own_media: MediaFlags, now: Time) -> Self {
        let state = (own_media != MediaFlags::default()).then_some(now);
        Self { next: now, confirm: None, state, last_state: Time::ZERO, own_media }
    }

    /// A member joined: it has not read what was said before.
    pub(crate) fn on_join(&mut self, members: usize, ctx: &mut Context, now: Time) {
        if self.own_media != MediaFlags::default() {
            let within = STATE_PER_MEMBER * u32::try_from(members).unwrap_or(u32::MAX);
            self.state.get_or_insert(now + ctx.rng.spread(within));
        }
    }

    /// `who` waits for a word of somebody inside: this member's turn to give it is at this moment.
    pub(crate) fn confirm(&mut self, who: MemberId, at: Time) {
        self.confirm = Some((at, who));
    }

    /// `by` gave such a word.
    pub(crate) fn on_confirmed(&mut self, by: &MemberId) {
        self.confirm.take_if(|(_, who)| who != by);
    }

    /// Both are due at once.
    pub(crate) fn send_now(&mut self, now: Time) {
        (self.next, self.state) = (now, Some(now));
    }

    /// Notices that something changed of which the server may learn when it did.
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
        if now >= self.next || self.confirm.is_some_and(|(at, _)| now >= at) {
            self.send(group, log, ctx, now);
        }
    }

    /// Sends a heartbeat, due or not.
    pub(crate) fn send(&mut self, group: &mut Group, log: &mut LogWriter, ctx: &mut Context, now: Time) {
        self.confirm = None;
        let period = heartbeat_period(group.members().len());
        self.next = now + (period - ctx.rng.spread(period / 10));
        let (authenticator, roster) = (group.authenticator8(), group.roster8());
        let read = log.verifier.position();
        let app = App::Heartbeat {
            epoch: group.epoch().0,
            authenticator,
            roster,
            seq: read.seq,
            chain_hash: read.chain_hash8(),
            mic: ctx.own_media.mic,
        };
        log.append_app(group, &app, Sent::Other, ctx, now);
    }

    pub(crate) fn deadlines(&self) -> [Option<Time>; 3] {
        [Some(self.next), self.confirm.map(|(at, _)| at), self.state]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_two_periods_old_still_counts_when_it_took_two_seconds() {
        for members in 1..2000 {
            assert!(silence_limit(members) >= heartbeat_period(members) * 2 + Duration::from_secs(2), "{members}");
            assert!(heartbeat_period(members).as_millis() * 25 >= members as u128 * 1000, "{members}");
        }
    }
}
