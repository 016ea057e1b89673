//! People whom this client's user verified: known again by the key of their device, in every meeting.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::{MemberId, Redacted, Secret, Time};
use conclave_mls::{Member, clean_name, device_key, digits};
use serde::{Deserialize, Serialize};

use crate::InputError;
use crate::keys::stretch;
use crate::look_alike::looks_of;
use crate::screen::millis;
use crate::snapshot::{Comparison, NoticeKind, Recognition};

/// Verified people that a device keeps.
pub const MAX_PEOPLE: usize = 256;
/// Members of whom something was said or asked that are remembered, also while they are gone.
const REMEMBERED: usize = 1024;
/// What JavaScript's numbers tell apart.
const MAX_TIME: u64 = 1 << 53;

/// Somebody whom this client's user verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
pub struct VerifiedPerson {
    /// Device key, as text: base64url of 32 bytes.
    #[cfg_attr(feature = "ts", tsify(type = "string"))]
    pub key: Redacted<String>,
    /// What the person was called then.
    #[cfg_attr(feature = "ts", tsify(type = "string"))]
    pub name: Redacted<String>,
    /// Unix milliseconds.
    pub since: u64,
}

impl VerifiedPerson {
    /// By the device key itself.
    pub fn new(key: &[u8; 32], name: String, since: u64) -> Self {
        Self { key: Redacted::new(text_of(key)), name: Redacted::new(name), since }
    }
}

/// What a shell is to keep, or keeps no more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ts", derive(Serialize, tsify::Tsify), serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase"))]
pub enum PeopleChange {
    /// This person was verified; in the place of what was kept under the same key.
    Verified {
        /// Who.
        person: VerifiedPerson,
    },
    /// This one is not any more.
    Forgotten {
        /// [`VerifiedPerson::key`].
        #[cfg_attr(feature = "ts", tsify(type = "string"))]
        key: Redacted<String>,
    },
}

#[derive(Debug)]
struct Kept {
    name: String,
    /// What it has in common with names that look like it.
    looks: String,
    since: u64,
}

/// The own device key, who is verified, and what was found out about those who are there.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// Seed of the own device key, where the user wants to be known again.
    device: Option<Secret<32>>,
    kept: BTreeMap<[u8; 32], Kept>,
    /// Whom of them a name that looks like this would be taken for: who was verified last.
    named: BTreeMap<String, [u8; 32]>,
    /// Person codes that the user asked to see, by the other's device key.
    codes: BTreeMap<[u8; 32], [String; 6]>,
    /// With whom the user found another person code.
    differing: BTreeMap<MemberId, Time>,
    /// Who goes by the name of somebody verified without being it, as the user has seen.
    answered: BTreeSet<MemberId>,
    /// The same, as the user was told.
    told: BTreeSet<MemberId>,
    /// What is known of somebody may be another since that was asked.
    changed: bool,
}

impl People {
    /// What is no person that could have been verified here is left out.
    pub(crate) fn new(device: Option<Secret<32>>, people: Vec<VerifiedPerson>) -> Self {
        let kept = people.into_iter().filter_map(|person| {
            let name = clean_name(person.name.expose());
            let kept = Kept { looks: looks_of(&name), name, since: person.since };
            (person.since < MAX_TIME).then_some((key_of(person.key.expose())?, kept))
        });
        let mut people = Self { device, kept: kept.take(MAX_PEOPLE).collect(), ..Self::default() };
        people.index();
        people
    }

    fn index(&mut self) {
        let mut people: Vec<_> = self.kept.iter().collect();
        people.sort_by_key(|(_, kept)| kept.since);
        self.named = people.into_iter().map(|(key, kept)| (kept.looks.clone(), *key)).collect();
    }

    pub(crate) const fn device(&self) -> Option<&Secret<32>> {
        self.device.as_ref()
    }

    pub(crate) fn set_device(&mut self, device: Option<Secret<32>>) {
        self.device = device;
        self.codes.clear();
        self.changed = true;
    }

    /// Whether something changed since this was asked.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What is known of a member by its device key, given what comparing the safety code came to.
    pub(crate) fn recognise(&self, member: &Member, looks: &str, comparison: &Comparison) -> Recognition {
        if let Some(at) = self.differing.get(&member.identity) {
            return Recognition::Differs { at: millis(*at) };
        }
        if let Some((key, kept)) = member.device.and_then(|key| self.kept.get_key_value(&key)) {
            return Recognition::Verified { key: text_of(key), name: kept.name.clone(), since: kept.since as f64 };
        }
        let has_device = member.device.is_some();
        match self.named.get(looks).and_then(|key| self.kept.get(key)) {
            Some(kept) => {
                let answered = self.answered.contains(&member.identity) || matches!(comparison, Comparison::Both { .. });
                Recognition::Changed { name: kept.name.clone(), since: kept.since as f64, has_device, answered }
            }
            None if has_device => Recognition::Unverified,
            None => Recognition::Guest,
        }
    }

    /// What the user is to be told of a member of whom this is known: once.
    pub(crate) fn tell_change(&mut self, member: &Member, recognition: &Recognition) -> Option<NoticeKind> {
        let Recognition::Changed { name, has_device, answered: false, .. } = recognition else { return None };
        remember(&mut self.told, member.identity).then(|| NoticeKind::KeyChanged {
            name: member.name.expose().clone(),
            verified: name.clone(),
            has_device: *has_device,
        })
    }

    /// The person code with a member, if the user asked to see it.
    pub(crate) fn code(&self, member: &Member) -> Option<&[String; 6]> {
        self.codes.get(member.device.as_ref()?)
    }

    /// The user wants to see the person code with this member.
    pub(crate) fn show_code(&mut self, member: &Member) -> Result<(), InputError> {
        let own = device_key(self.device.as_ref().ok_or(InputError::NoDevice)?);
        let other = member.device.ok_or(InputError::NoDevice)?;
        if !self.codes.contains_key(&other) {
            if self.codes.len() >= REMEMBERED {
                self.codes.clear();
            }
            self.codes.insert(other, person_code(&own, &other));
            self.changed = true;
        }
        Ok(())
    }

    /// The user compared the person code with this member.
    pub(crate) fn compare(&mut self, member: &Member, code: &[String], same: bool, now: Time) -> Result<Option<PeopleChange>, InputError> {
        let device = member.device.ok_or(InputError::NoDevice)?;
        let shown = self.codes.get(&device).ok_or(InputError::CodeChanged)?;
        if shown != code {
            return Err(InputError::CodeChanged);
        }
        if same {
            return self.verify(member, now).map(Some);
        }
        if self.differing.len() >= REMEMBERED {
            self.differing.clear();
        }
        self.differing.insert(member.identity, now);
        self.changed = true;
        // What was kept under this key is not of the person who was compared with.
        Ok(self.forget(&device))
    }

    /// The user verified this member by its device key.
    pub(crate) fn verify(&mut self, member: &Member, now: Time) -> Result<PeopleChange, InputError> {
        let device = member.device.ok_or(InputError::NoDevice)?;
        if self.kept.len() >= MAX_PEOPLE && !self.kept.contains_key(&device) {
            return Err(InputError::TooMany);
        }
        self.differing.remove(&member.identity);
        self.changed = true;
        let name = member.name.expose().clone();
        let since = now.as_millis();
        self.kept.insert(device, Kept { looks: looks_of(&name), name: name.clone(), since });
        self.index();
        Ok(PeopleChange::Verified { person: VerifiedPerson::new(&device, name, since) })
    }

    /// The user has seen that this member goes by the name of somebody verified, and is somebody else.
    pub(crate) fn answer(&mut self, who: MemberId) {
        self.changed |= remember(&mut self.answered, who);
    }

    /// By [`VerifiedPerson::key`].
    pub(crate) fn forget_text(&mut self, key: &str) -> Option<PeopleChange> {
        self.forget(&key_of(key)?)
    }

    fn forget(&mut self, key: &[u8; 32]) -> Option<PeopleChange> {
        self.kept.remove(key)?;
        self.changed = true;
        self.index();
        Some(PeopleChange::Forgotten { key: Redacted::new(text_of(key)) })
    }
}

/// Gives whether it is new.
fn remember(set: &mut BTreeSet<MemberId>, who: MemberId) -> bool {
    if set.len() >= REMEMBERED && !set.contains(&who) {
        set.clear();
    }
    set.insert(who)
}

fn text_of(key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

fn key_of(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Thirty digits that stand for two devices: the same on both, in every meeting, and for no other two.
///
/// The keys last, so whoever is to be between two people has years to look for two keys of its own that give both of them one code: of thirty
/// digits that would take some 2^50 tries. Each try is made as dear as one of a passphrase: 64 MiB and three passes of Argon2id.
pub fn person_code(one: &[u8; 32], other: &[u8; 32]) -> [String; 6] {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    digits(&stretch(&[b"conclave/1 person code".as_slice(), low, high].concat(), b"conclave/1 codes"))
}

#[cfg(test)]
mod tests {
    use conclave_base::LeafIndex;

    use super::*;

    const NOW: Time = Time::from_millis(1_700_000_000_000);

    fn device(n: u8) -> [u8; 32] {
        device_key(&Secret::new([n; 32]))
    }

    fn member(leaf: u8, name: &str, device: Option<[u8; 32]>) -> Member {
        let (key, name) = ([leaf; 32], Redacted::new(name.to_owned()));
        Member { leaf: LeafIndex(leaf.into()), identity: MemberId::of_key(&key), key, name, host: false, device, software: None }
    }

    fn seen(people: &People, member: &Member) -> Recognition {
        people.recognise(member, &looks_of(member.name.expose()), &Comparison::None)
    }

    /// Somebody who verified Amara, on device 1.
    fn people() -> People {
        let mut people = People::new(Some(Secret::new([9; 32])), Vec::new());
        people.verify(&member(1, "Amara", Some(device(1))), NOW).expect("she has a device key");
        people
    }

    #[test]
    fn the_code_is_the_same_for_both_and_another_for_any_other_two() {
        let [a, b, c] = [1, 2, 3].map(device);
        assert_eq!(person_code(&a, &b), person_code(&b, &a));
        assert_ne!(person_code(&a, &b), person_code(&a, &c));
        assert_ne!(person_code(&a, &b), person_code(&b, &c));
        assert_eq!(person_code(&[1; 32], &[2; 32]).join(" "), "36426 40030 07251 56195 22253 16790", "it never changes");
    }

    #[test]
    fn a_verified_person_is_known_again_by_the_device_alone() {
        let people = people();
        let (key, since) = (text_of(&device(1)), NOW.as_millis() as f64);
        let verified = Recognition::Verified { key, name: "Amara".to_owned(), since };
        assert_eq!(seen(&people, &member(2, "Amara", Some(device(1)))), verified, "with another leaf");
        assert_eq!(seen(&people, &member(2, "Dr. Okafor", Some(device(1)))), verified, "and another name");
        assert_eq!(seen(&people, &member(2, "Bela", Some(device(2)))), Recognition::Unverified);
        assert_eq!(seen(&people, &member(2, "Bela", None)), Recognition::Guest);
    }

    #[test]
    fn who_takes_the_name_of_somebody_verified_is_told_once_and_stands_until_answered() {
        let mut people = people();
        for (leaf, name, key) in
            [(2, "Amara", Some(device(2))), (3, "Amara", None), (4, "\u{410}mara", None), (5, "amara.", Some(device(3)))]
        {
            let twin = member(leaf, name, key);
            let is = |people: &People, answered: bool| {
                let recognition = seen(people, &twin);
                assert!(
                    matches!(&recognition, Recognition::Changed { has_device, answered: a, .. } if *a == answered && *has_device == key.is_some())
                );
                recognition
            };
            let recognition = is(&people, false);
            assert!(people.tell_change(&twin, &recognition).is_some());
            assert!(people.tell_change(&twin, &recognition).is_none(), "once");
            people.answer(twin.identity);
            is(&people, true);
        }
        let compared = people.recognise(&member(6, "Amara", None), "amara", &Comparison::Both { at: 1.0 });
        assert!(matches!(compared, Recognition::Changed { answered: true, .. }), "by the safety code");
    }

    #[test]
    fn what_was_not_shown_is_not_compared_and_a_difference_takes_the_mark() {
        let mut people = people();
        let amara = member(2, "Amara", Some(device(1)));
        let code = person_code(&device(9), &device(1)).to_vec();
        assert_eq!(people.compare(&amara, &code, true, NOW), Err(InputError::CodeChanged));
        people.show_code(&amara).expect("both have a device key");
        assert_eq!(people.code(&amara).map(|code| code.to_vec()), Some(code.clone()));
        assert_eq!(people.compare(&amara, &code[1..], false, NOW), Err(InputError::CodeChanged));

        let forgotten = PeopleChange::Forgotten { key: Redacted::new(text_of(&device(1))) };
        assert_eq!(people.compare(&amara, &code, false, NOW), Ok(Some(forgotten)));
        assert_eq!(seen(&people, &amara), Recognition::Differs { at: millis(NOW) });
        assert!(matches!(people.compare(&amara, &code, true, NOW), Ok(Some(PeopleChange::Verified { .. }))), "it was a slip");
        assert!(matches!(seen(&people, &amara), Recognition::Verified { .. }));
    }

    #[test]
    fn without_a_device_key_on_both_sides_there_is_no_code() {
        let mut people = people();
        assert_eq!(people.show_code(&member(2, "Bela", None)), Err(InputError::NoDevice));
        people.set_device(None);
        assert_eq!(people.show_code(&member(2, "Bela", Some(device(2)))), Err(InputError::NoDevice));
        assert_eq!(people.verify(&member(2, "Bela", None), NOW), Err(InputError::NoDevice));
    }

    #[test]
    fn what_is_kept_comes_back_and_has_a_bound() {
        let person = |n: u16, key: String| VerifiedPerson { key: Redacted::new(key), name: Redacted::new(format!("P{n}")), since: 7 };
        let many = (0..300_u16).map(|n| {
            let mut key = [1; 32];
            key[..2].copy_from_slice(&n.to_be_bytes());
            person(n, text_of(&key))
        });
        let mut people = People::new(None, many.collect());
        assert_eq!(people.kept.len(), MAX_PEOPLE);
        assert_eq!(people.verify(&member(2, "Bela", Some(device(2))), NOW), Err(InputError::TooMany));
        let first = people.kept.keys().next().map(text_of).expect("one of many");
        assert!(people.forget_text(&first).is_some() && people.forget_text(&first).is_none());
        assert!(people.verify(&member(2, "Bela", Some(device(2))), NOW).is_ok());
        let nonsense = vec![person(1, "abc".to_owned()), VerifiedPerson { since: u64::MAX, ..person(1, text_of(&device(1))) }];
        assert!(People::new(None, nonsense).kept.is_empty());
    }
}
