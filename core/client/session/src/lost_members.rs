use std::time::Duration;

use conclave_base::{MemberId, Time};
use conclave_mls::Member;

use crate::screen::millis;
use crate::snapshot::LostMember;

/// Who comes back within this is the same person on the screen, and nothing is told.
const COMING_BACK: Duration = Duration::from_secs(30);
/// Who left and comes back within this by the same key only loaded its page anew, and nothing is told either.
const LOADING: Duration = Duration::from_secs(3);
/// So many are remembered, of each kind.
const LOST: usize = 256;

/// Members who are out of the group, hold no keys, and may come back: those whose connection ended, and, for a moment, those who left.
#[derive(Debug, Default)]
pub(crate) struct LostMembers {
    /// With the moment when they were taken out; at most [`LOST`].
    members: Vec<(Member, Time)>,
    /// The same of those who left.
    left: Vec<(Member, Time)>,
}

impl LostMembers {
    /// `member` was taken out, without its wish and without a host's.
    pub(crate) fn add(&mut self, member: &Member, now: Time) {
        push(&mut self.members, member, now);
    }

    /// `member` left.
    pub(crate) fn add_left(&mut self, member: &Member, now: Time) {
        push(&mut self.left, member, now);
    }

    pub(crate) fn contains(&self, who: &MemberId) -> bool {
        self.members.iter().chain(&self.left).any(|(member, _)| member.identity == *who)
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().map(|(member, _)| member.identity)
    }

    /// Whether so many were lost that it may be no accident of each, when so many are left. No member can tell which of the two parts was lost.
    pub(crate) fn are_many(&self, left: usize) -> bool {
        let lost = self.members.len();
        lost >= 2 && lost * 3 >= left
    }

    /// These came in. Who has the name of somebody lost may be the same person in another tab; it is shown as a new one.
    pub(crate) fn on_joined(&mut self, joined: &[Member]) {
        let is_back = |lost: &Member| joined.iter().any(|new| new.identity == lost.identity || new.name == lost.name);
        self.members.retain(|(member, _)| !is_back(member));
        self.left.retain(|(member, _)| !joined.iter().any(|new| new.identity == member.identity));
    }

    /// Names of those who did not come back in time.
    pub(crate) fn expire(&mut self, now: Time) -> Vec<String> {
        expire(&mut self.members, now, COMING_BACK)
    }

    /// Names of those who left for good.
    pub(crate) fn expire_left(&mut self, now: Time) -> Vec<String> {
        expire(&mut self.left, now, LOADING)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        let lost = self.members.iter().map(|(_, since)| *since + COMING_BACK);
        lost.chain(self.left.iter().map(|(_, since)| *since + LOADING)).min()
    }

    /// For the page.
    pub(crate) fn list(&self) -> Vec<LostMember> {
        let list = self.members.iter().map(|(member, since)| LostMember {
            identity: member.identity.to_text(),
            name: member.name.expose().clone(),
            host: member.host,
            since: millis(*since),
        });
        list.collect()
    }
}

fn push(members: &mut Vec<(Member, Time)>, member: &Member, now: Time) {
    if members.len() >= LOST {
        members.remove(0);
    }
    members.push((member.clone(), now));
}

fn expire(members: &mut Vec<(Member, Time)>, now: Time, after: Duration) -> Vec<String> {
    let expired = members.extract_if(.., |(_, since)| now >= *since + after);
    expired.map(|(member, _)| member.name.expose().clone()).collect()
}
