//! Who may do what inside, as a host orders it: the [`Floor`] in the group context.

use std::collections::{BTreeMap, BTreeSet};

use conclave_base::{MemberId, Permission};
use conclave_protocol::limits::EXCEPTED;
use conclave_protocol::payload::{Floor, Permitted, Policy};

use crate::Member;

/// What a host wants changed of who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FloorOrder {
    /// By permission.
    pub permitted: BTreeMap<Permission, PermittedOrder>,
    /// [`Floor::mute_above`] from now on.
    pub mute_above: Option<Option<u32>>,
    /// [`Floor::limit`] from now on.
    pub limit: Option<u32>,
}

/// What a host wants changed of one permission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermittedOrder {
    /// Whether everybody has it who is not excepted; all exceptions end with a change.
    pub everybody: Option<bool>,
    /// These have it.
    pub grant: BTreeSet<MemberId>,
    /// These have not.
    pub deny: BTreeSet<MemberId>,
}

/// What holds before a host orders anything.
pub(crate) fn initial(policy: &Policy) -> Floor {
    let permitted = |what| Permitted { everybody: !policy.hosts_only.contains(&what), except: Vec::new() };
    let [speak, chat, share] = Permission::ALL.map(permitted);
    Floor { speak, chat, share, mute_above: policy.mute_above, limit: policy.limit }
}

/// What holds after `order`; `None` if it has no room for so many exceptions. Who is not `inside` is forgotten when there is none.
pub(crate) fn ordered(before: &Floor, order: &FloorOrder, inside: &[Member]) -> Option<Floor> {
    let mut floor = before.clone();
    for (what, order) in &order.permitted {
        let permitted = floor.of_mut(*what);
        if let Some(everybody) = order.everybody.filter(|everybody| *everybody != permitted.everybody) {
            *permitted = Permitted { everybody, except: Vec::new() };
        }
        let (end, begin) = if permitted.everybody { (&order.grant, &order.deny) } else { (&order.deny, &order.grant) };
        let mut except: BTreeSet<_> =
            permitted.except.iter().copied().filter(|who| !end.contains(who)).chain(begin.iter().copied()).collect();
        if except.len() > EXCEPTED {
            except.retain(|who| inside.iter().any(|m| m.identity == *who));
        }
        if except.len() > EXCEPTED {
            return None;
        }
        permitted.except = except.into_iter().collect();
    }
    floor.mute_above = order.mute_above.unwrap_or(floor.mute_above);
    floor.limit = order.limit.unwrap_or(floor.limit);
    Some(floor)
}

/// Whether it is within its bounds.
pub(crate) fn is_sound(floor: &Floor, policy: &Policy) -> bool {
    let rising = |permitted: &Permitted| permitted.except.windows(2).all(|pair| pair[0] < pair[1]);
    let bounded = |permitted: &Permitted| permitted.except.len() <= EXCEPTED && rising(permitted);
    Permission::ALL.into_iter().all(|what| bounded(floor.of(what))) && (1..=policy.limit).contains(&floor.limit)
}

/// Whether this member may do it.
pub(crate) fn is_permitted(floor: &Floor, member: &Member, what: Permission) -> bool {
    member.host || floor.of(what).includes(&member.identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::policy;

    fn who(n: u8) -> MemberId {
        MemberId::from_bytes([n; 16])
    }

    fn speak(order: PermittedOrder) -> FloorOrder {
        FloorOrder { permitted: BTreeMap::from([(Permission::Speak, order)]), ..FloorOrder::default() }
    }

    #[test]
    fn a_permission_is_everybody_s_or_somebody_s() {
        let open = initial(&policy());
        let one = PermittedOrder { deny: BTreeSet::from([who(1)]), ..PermittedOrder::default() };
        let without_one = ordered(&open, &speak(one.clone()), &[]).expect("room");
        assert!(!without_one.speak.includes(&who(1)) && without_one.speak.includes(&who(2)) && without_one.chat.includes(&who(1)));
        let hosts = PermittedOrder { everybody: Some(false), grant: BTreeSet::from([who(2)]), ..PermittedOrder::default() };
        let hosts = ordered(&without_one, &speak(hosts), &[]).expect("room");
        assert!(!hosts.speak.includes(&who(1)) && hosts.speak.includes(&who(2)) && !hosts.speak.includes(&who(3)));
        let again = PermittedOrder { everybody: Some(false), ..PermittedOrder::default() };
        assert_eq!(ordered(&hosts, &speak(again), &[]), Some(hosts.clone()), "what is so already leaves whom a host let speak");
        let nobody = PermittedOrder { deny: BTreeSet::from([who(2)]), ..PermittedOrder::default() };
        assert_eq!(ordered(&hosts, &speak(nobody), &[]).expect("room").speak, Permitted { everybody: false, except: Vec::new() });
    }

    #[test]
    fn exceptions_have_a_bound_and_an_order() {
        let all = (0..=u8::MAX).map(who).collect::<BTreeSet<_>>();
        let full = PermittedOrder { deny: all, ..PermittedOrder::default() };
        let full = ordered(&initial(&policy()), &speak(full), &[]).expect("room");
        assert!(is_sound(&full, &policy()));
        let more = PermittedOrder { deny: BTreeSet::from([MemberId::of_key(b"more")]), ..PermittedOrder::default() };
        let shorter = ordered(&full, &speak(more), &[]).expect("who is not there is forgotten");
        assert!(shorter.speak.except.is_empty() && is_sound(&shorter, &policy()));
        let mut twisted = full.clone();
        twisted.speak.except.swap(0, 1);
        assert!(!is_sound(&twisted, &policy()));
        for limit in [0, policy().limit + 1] {
            assert!(!is_sound(&Floor { limit, ..full.clone() }, &policy()));
        }
    }
}
