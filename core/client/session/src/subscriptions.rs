use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Epoch, MemberId, Time};
use conclave_mls::Group;

use crate::Output;
use crate::context::Context;

/// From joining to the first subscription. The others seal with keys that this member has only 250 ms after they know it; a key frame that
/// came sooner could not be opened, and the next one may be seconds away.
const FIRST_SUBSCRIPTION: Duration = Duration::from_millis(250);

/// Whose tracks are subscribed to.
#[derive(Default)]
pub(crate) struct Subscriptions {
    /// The newest epoch; none while this client is no member.
    epoch: Option<Epoch>,
    /// When the members of that epoch are to be subscribed, if they are not yet.
    subscribe_at: Option<Time>,
    subscribed: BTreeSet<MemberId>,
}

impl Subscriptions {
    /// Subscribes to the members of the newest epoch, once that is due.
    pub(crate) fn run(&mut self, group: &Group, ctx: &mut Context, now: Time) {
        let epoch = Some(group.epoch());
        if self.epoch != epoch {
            let wait = if self.epoch.is_none() { FIRST_SUBSCRIPTION } else { Duration::ZERO };
            self.subscribe_at = Some(self.subscribe_at.unwrap_or(now + wait));
            self.epoch = epoch;
        }
        if self.subscribe_at.take_if(|at| now >= *at).is_some() {
            let me = group.me();
            let others: BTreeSet<_> = group.members().iter().map(|m| m.identity).filter(|who| *who != me).collect();
            if self.subscribed != others {
                self.subscribed.clone_from(&others);
                ctx.emit(Output::Subscribe(others));
            }
        }
    }

    /// There is no group.
    pub(crate) fn clear(&mut self) {
        (self.epoch, self.subscribe_at) = (None, None);
    }

    /// When [`Self::run`] has something to do.
    pub(crate) fn deadline(&self) -> Time {
        self.subscribe_at.unwrap_or(Time::MAX)
    }
}
