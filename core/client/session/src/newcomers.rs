use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_mls::{Group, Newcomer};
use conclave_protocol::limits::{BATCH, WAITING};

/// Who asks waits so long for others who ask too.
const WINDOW: Duration = Duration::from_millis(100);
/// An epoch is work for each member. Whoever asks is not added before the last one has lasted so long for each of them, and so comes in at once
/// when nobody else does, and with all who asked meanwhile when many do.
const EPOCH_PER_MEMBER: Duration = Duration::from_millis(5);
/// And this at most: nobody who asks waits for long enough to give up.
const EPOCH: Duration = Duration::from_millis(1500);
/// Who asked so long ago has come in by itself, or has gone.
const FORGOTTEN: Duration = Duration::from_secs(15);

/// Who may come in, and asks that a member add it: by KeyPackages that nobody has looked into yet. At most [`WAITING`].
#[derive(Default)]
pub(crate) struct Newcomers {
    /// In the order of the log.
    asking: Vec<Asking>,
}

struct Asking {
    who: MemberId,
    key_package: Vec<u8>,
    since: Time,
}

impl Newcomers {
    /// `who`, or somebody in its name, asks to be added: what was said in that name before stays, since only one of them can be good.
    pub(crate) fn on_asked(&mut self, who: MemberId, key_package: Vec<u8>, now: Time) {
        let is_new = self.asking.iter().all(|known| known.key_package != key_package);
        if is_new && self.asking.len() < WAITING {
            self.asking.push(Asking { who, key_package, since: now });
        }
    }

    pub(crate) fn remove(&mut self, who: &MemberId) {
        self.asking.retain(|known| known.who != *who);
    }

    /// Who came in asks no more.
    pub(crate) fn on_commit(&mut self, group: &Group) {
        self.asking.retain(|known| !group.members().iter().any(|m| m.identity == known.who));
    }

    pub(crate) fn expire(&mut self, now: Time) {
        self.asking.retain(|known| now < known.since + FORGOTTEN);
    }

    /// When they are to be added, in a group of so many, in an epoch that began then.
    pub(crate) fn due(&self, members: usize, epoch_began: Time) -> Option<Time> {
        let epoch = EPOCH_PER_MEMBER.saturating_mul(u32::try_from(members).unwrap_or(u32::MAX)).min(EPOCH);
        self.asking.first().map(|known| (known.since + WINDOW).max(epoch_began + epoch))
    }

    /// Those whom one commit can add. Of whose KeyPackage is not good, nothing is kept.
    pub(crate) fn next(&mut self, group: &Group) -> Vec<Newcomer> {
        let mut next: Vec<(MemberId, Newcomer)> = Vec::new();
        self.asking.retain(|known| {
            if next.len() >= BATCH || next.iter().any(|(who, _)| *who == known.who) {
                return true;
            }
            let newcomer = group.may_add(&known.key_package);
            let is_good = newcomer.is_some();
            next.extend(newcomer.map(|newcomer| (known.who, newcomer)));
            is_good
        });
        next.into_iter().map(|(_, newcomer)| newcomer).collect()
    }
}
