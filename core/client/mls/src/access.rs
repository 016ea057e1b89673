//! Who may come in, and on whose order: the [`GroupPolicy`] in the group context.

use std::collections::BTreeSet;

use conclave_base::{Door, MeetingId, MemberId, Secret, SessionId, known};
use conclave_protocol::limits::{ADMITTED, APPOINTED, BARRED};
use conclave_protocol::payload::{Access, Appointment, GroupPolicy, HostProof, OrderSignature, Policy, SeenPolicy};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use openmls::prelude::{
    CredentialType, Extension, ExtensionType, Extensions, GroupContext, RequiredCapabilitiesExtension, UnknownExtension,
};

use crate::Member;
use crate::floor::{self, FloorOrder};
use crate::leaf::{LEAF_INFO, POLICY, host_claim};

/// What a host wants changed, all in one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// How newcomers come in from now on; as before, if `None`.
    pub door: Option<Door>,
    /// May come in though the door is not open; the bar is lifted from them.
    pub admit: BTreeSet<MemberId>,
    /// Out of the group, and kept out.
    pub remove: BTreeSet<MemberId>,
    /// Out of the group; they may ask to come in again.
    pub send_back: BTreeSet<MemberId>,
    /// Become hosts. Only who holds a host key can order it.
    pub appoint: BTreeSet<MemberId>,
    /// Who may do what from now on.
    pub floor: FloorOrder,
    /// What held in an earlier session of the meeting, and is to hold on in this one.
    pub carried: Option<Access>,
}

/// By which key a member orders.
pub(crate) enum Orderer<'a> {
    /// The seed of a host key.
    HostKey(&'a Secret<32>),
    /// The seed of the leaf key of somebody appointed.
    Appointed(&'a Secret<32>),
}

impl Orderer<'_> {
    fn key(&self) -> SigningKey {
        let (Self::HostKey(seed) | Self::Appointed(seed)) = self;
        SigningKey::from_bytes(seed.expose())
    }
}

/// What holds in a session before a host orders anything.
pub(crate) fn initial(policy: Policy) -> GroupPolicy {
    let door = if policy.lobby { Door::Ask } else { Door::Open };
    let access = Access { order: 0, door, admitted: Vec::new(), barred: Vec::new(), appointed: Vec::new(), floor: floor::initial(&policy) };
    GroupPolicy { policy, access, order: None }
}

/// The policy after `order`, signed; `None` if `orderer` may not order it. `inside` are all members before.
pub(crate) fn ordered(
    before: &GroupPolicy,
    order: &Order,
    orderer: &Orderer<'_>,
    inside: &[Member],
    meeting: &MeetingId,
    session: &SessionId,
) -> Option<GroupPolicy> {
    let carried = order.carried.as_ref();
    let old = carried.unwrap_or(&before.access);
    let out = |who: &MemberId| order.remove.contains(who) || order.send_back.contains(who);
    let door = order.door.unwrap_or(old.door);
    let mut barred = old.barred.clone();
    barred.retain(|who| !order.admit.contains(who) && !order.remove.contains(who));
    barred.extend(&order.remove);
    barred.drain(..barred.len().saturating_sub(BARRED));
    // Whoever is inside comes before whoever may come.
    let known = inside.iter().map(|m| m.identity).chain(order.admit.iter().copied()).chain(old.admitted.iter().copied());
    let mut admitted = BTreeSet::new();
    for who in known.filter(|who| door != Door::Open && !out(who) && !barred.contains(who)) {
        if admitted.len() < ADMITTED {
            admitted.insert(who);
        }
    }
    let mut appointed = old.appointed.clone();
    appointed.retain(|host| !out(&MemberId::of_key(&host.leaf_key)));
    for member in inside.iter().filter(|m| order.appoint.contains(&m.identity)) {
        if appointed.iter().any(|host| host.leaf_key == member.key) {
            continue;
        }
        let Orderer::HostKey(seed) = orderer else { return None };
        appointed.push(Appointment { leaf_key: member.key, proof: prove_host(seed, meeting, &member.key) });
    }
    if appointed.len() > APPOINTED {
        return None;
    }
    let floor = floor::ordered(&old.floor, &order.floor, inside)?;
    let number = old.order.max(before.access.order).checked_add(1)?;
    let access = Access { order: number, door, admitted: admitted.into_iter().collect(), barred, appointed, floor };
    let key = orderer.key();
    let signature = key.sign(&access_claim(meeting, session, &access)).to_bytes();
    let order = Some(OrderSignature { key: key.verifying_key().to_bytes(), signature });
    Some(GroupPolicy { policy: before.policy.clone(), access, order })
}

/// The group context extensions of a group with this policy; `None` only if OpenMLS refuses them.
pub(crate) fn context_extensions(policy: &GroupPolicy) -> Option<Extensions<GroupContext>> {
    let types = [ExtensionType::Unknown(POLICY), ExtensionType::Unknown(LEAF_INFO)];
    let required = RequiredCapabilitiesExtension::new(&types, &[], &[CredentialType::Basic]);
    let policy = Extension::Unknown(POLICY, UnknownExtension(policy.encode()));
    Extensions::from_vec(vec![Extension::RequiredCapabilities(required), policy]).ok()
}

/// The policy in force, if the context has the shape that [`context_extensions`] gives it, within its bounds, and a host of this session
/// signed what was ordered.
pub(crate) fn read_policy(extensions: &Extensions<GroupContext>, meeting: &MeetingId, session: &SessionId) -> Option<GroupPolicy> {
    let policy = GroupPolicy::decode(&extensions.unknown(POLICY)?.0).ok()?;
    (context_extensions(&policy)? == *extensions && is_sound(&policy, meeting, session)).then_some(policy)
}

/// Whether this is what a host ordered in that session of this meeting, under the policy that its host signed.
pub fn is_ordered(seen: &SeenPolicy, policy: &Policy, meeting: &MeetingId) -> bool {
    seen.policy.policy == *policy && seen.policy.order.is_some() && is_sound(&seen.policy, meeting, &seen.session)
}

fn is_sound(group: &GroupPolicy, meeting: &MeetingId, session: &SessionId) -> bool {
    let Access { admitted, barred, appointed, .. } = &group.access;
    let Some(order) = &group.order else {
        // Whoever asks newcomers to ask from the beginning founds the session as a host.
        return !group.policy.lobby && *group == initial(group.policy.clone());
    };
    let rising = admitted.windows(2).all(|pair| pair[0] < pair[1]);
    let bounded = floor::is_sound(&group.access.floor, &group.policy)
        && admitted.len() <= ADMITTED
        && barred.len() <= BARRED
        && appointed.len() <= APPOINTED;
    let by_hosts = appointed.iter().all(|host| is_host_proof(&host.proof, &group.policy, meeting, &host.leaf_key));
    let by_host = group.policy.host_keys.contains(&order.key) || is_appointed(&group.access, &order.key);
    let claim = access_claim(meeting, session, &group.access);
    group.access.order > 0 && rising && bounded && by_hosts && by_host && is_signed_by(&order.key, &claim, &order.signature)
}

/// Rule (b): whether a newcomer may come in. `expected`: it proves a host key, or its old leaf is still inside.
pub(crate) fn lets_in(access: &Access, newcomer: &MemberId, expected: bool) -> bool {
    let named = || expected || access.admitted.binary_search(newcomer).is_ok();
    !access.barred.contains(newcomer) && (access.door == Door::Open || named())
}

/// Whether a host made the member with this leaf key a host.
pub(crate) fn is_appointed(access: &Access, leaf_key: &[u8; 32]) -> bool {
    access.appointed.iter().any(|host| host.leaf_key == *leaf_key)
}

pub(crate) fn prove_host(host: &Secret<32>, meeting: &MeetingId, leaf_key: &[u8; 32]) -> HostProof {
    let host = SigningKey::from_bytes(host.expose());
    HostProof { key: host.verifying_key().to_bytes(), signature: host.sign(&host_claim(meeting, leaf_key)).to_bytes() }
}

pub(crate) fn is_host_proof(proof: &HostProof, policy: &Policy, meeting: &MeetingId, leaf_key: &[u8; 32]) -> bool {
    policy.host_keys.contains(&proof.key) && is_signed_by(&proof.key, &host_claim(meeting, leaf_key), &proof.signature)
}

/// Whether this Ed25519 key signed the claim. Strict: no signature passes that another verifier could refuse, and no key of small order.
pub fn is_signed_by(key: &[u8; 32], claim: &[u8], signature: &[u8; 64]) -> bool {
    let is_good = || VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(claim, &Signature::from_bytes(signature)).is_ok());
    known::is_good(key, claim, signature, is_good)
}

fn access_claim(meeting: &MeetingId, session: &SessionId, access: &Access) -> Vec<u8> {
    let content = postcard::to_stdvec(access).expect("these types have no failing serializer");
    [b"conclave/1 access".as_slice(), meeting.as_bytes(), session.as_bytes(), &content].concat()
}
