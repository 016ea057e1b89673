use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use conclave_base::{Door, MemberId, Permission, Time};
use conclave_mls::{FloorOrder, Group, Order, PermittedOrder};
use conclave_protocol::payload::Access;

/// A removal that a host asked for holds within this, or it is told.
const REMOVED: Duration = Duration::from_secs(5);

/// What this client, a host, wants changed in the group, until it is.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    door: Option<Door>,
    admit: BTreeSet<MemberId>,
    appoint: BTreeSet<MemberId>,
    out: BTreeMap<MemberId, Out>,
    floor: FloorOrder,
    /// What a host ordered in an earlier session, and nobody in this one yet.
    carried: Option<Access>,
}

/// Somebody is to be out of the group.
#[derive(Debug)]
struct Out {
    /// And kept out: also if it is out already when this is ordered, as lost or by its own wish.
    barred: bool,
    /// When it is to be told that it did not happen, if that is to come.
    tell_at: Option<Time>,
}

impl Orders {
    pub(crate) fn set_door(&mut self, door: Door) {
        self.door = Some(door);
    }

    /// Newcomers ask, unless a host has just wanted the door closed in another way.
    pub(crate) fn close_door(&mut self) {
        if self.door.is_none_or(|door| door == Door::Open) {
            self.door = Some(Door::Ask);
        }
    }

    pub(crate) fn admit(&mut self, who: MemberId) {
        self.out.remove(&who);
        self.admit.insert(who);
    }

    pub(crate) fn appoint(&mut self, who: MemberId) {
        self.appoint.insert(who);
    }

    /// Everybody has a permission, but for whom it is taken from; or nobody but hosts, and whom it is given.
    pub(crate) fn permit_everybody(&mut self, what: Permission, everybody: bool) {
        let order = self.floor.permitted.entry(what).or_default();
        (order.everybody, order.grant, order.deny) = (Some(everybody), BTreeSet::new(), BTreeSet::new());
    }

    /// One member has a permission, or has it not.
    pub(crate) fn permit(&mut self, who: MemberId, what: Permission, given: bool) {
        let order = self.floor.permitted.entry(what).or_default();
        let (with, without) = if given { (&mut order.grant, &mut order.deny) } else { (&mut order.deny, &mut order.grant) };
        with.insert(who);
        without.remove(&who);
    }

    pub(crate) fn set_mute_above(&mut self, people: Option<u32>) {
        self.floor.mute_above = Some(people);
    }

    pub(crate) fn set_limit(&mut self, people: u32) {
        self.floor.limit = Some(people);
    }

    /// Out of the group; `barred`, and kept out.
    pub(crate) fn remove(&mut self, who: MemberId, barred: bool, now: Time) {
        self.admit.remove(&who);
        self.out.insert(who, Out { barred, tell_at: Some(now + REMOVED) });
    }

    /// What was ordered before is ordered in this session too, if it is more than was ordered here. Whoever came in meanwhile, when only a host
    /// could have let it in, goes back to the door, but for whom this host has let in now.
    pub(crate) fn carry(&mut self, access: Access, group: &Group, now: Time) {
        let known = self.carried.as_ref().map_or(group.access().order, |carried| carried.order);
        if access.order <= known {
            return;
        }
        let guests = group.members().iter().filter(|m| m.identity != group.me() && !m.host).map(|m| m.identity);
        for who in guests {
            let barred = access.barred.contains(&who);
            let stays = self.admit.contains(&who) || !barred && (access.door == Door::Open || access.admitted.binary_search(&who).is_ok());
            if !stays {
                self.remove(who, barred, now);
            }
        }
        self.carried = Some(access);
    }

    /// The order that is due.
    pub(crate) fn next(&self, group: &Group) -> Option<Order> {
        let is_member = |who: &MemberId| group.members().iter().any(|m| m.identity == *who);
        let out = |barred: bool| self.out.iter().filter(move |(_, out)| out.barred == barred).map(|(who, _)| *who);
        let order = Order {
            door: self.door,
            admit: self.admit.clone(),
            remove: out(true).collect(),
            send_back: out(false).filter(is_member).collect(),
            appoint: self.appoint.iter().copied().filter(is_member).collect(),
            floor: self.floor.clone(),
            carried: self.carried.clone(),
        };
        (order != Order::default()).then_some(order)
    }

    /// A commit took effect: what holds now is wanted no more.
    pub(crate) fn on_commit(&mut self, group: &Group) {
        let access = group.access();
        self.carried.take_if(|carried| access.order > carried.order);
        if self.carried.is_some() {
            // What holds now is not what was ordered before, on which this comes.
            return;
        }
        let is_member = |who: &MemberId| group.members().iter().any(|m| m.identity == *who);
        self.door.take_if(|door| *door == access.door);
        self.admit.retain(|who| access.door != Door::Open && access.admitted.binary_search(who).is_err() || access.barred.contains(who));
        self.appoint.retain(|who| group.members().iter().any(|m| m.identity == *who && !m.host));
        self.out.retain(|who, out| is_member(who) || out.barred && !access.barred.contains(who));
        self.floor.mute_above.take_if(|wanted| *wanted == access.floor.mute_above);
        self.floor.limit.take_if(|wanted| *wanted == access.floor.limit);
        self.floor.permitted.retain(|what, order| {
            let permitted = access.floor.of(*what);
            order.everybody.take_if(|wanted| *wanted == permitted.everybody);
            // Exceptions are from what is to hold for everybody.
            if order.everybody.is_none() {
                order.grant.retain(|who| !permitted.includes(who));
                order.deny.retain(|who| permitted.includes(who));
            }
            *order != PermittedOrder::default()
        });
    }

    /// This client may not order what it wanted.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// It entered anew: there is as much time again.
    pub(crate) fn renew(&mut self, now: Time) {
        for out in self.out.values_mut() {
            out.tell_at = Some(now + REMOVED);
        }
    }

    /// Who should be out by now and is not. Each is given once.
    pub(crate) fn take_overdue(&mut self, now: Time) -> Vec<MemberId> {
        let overdue = self.out.iter_mut().filter_map(|(who, out)| out.tell_at.take_if(|at| now >= *at).map(|_| *who));
        overdue.collect()
    }

    /// When somebody is next to be told of.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.out.values().filter_map(|out| out.tell_at).min()
    }
}
