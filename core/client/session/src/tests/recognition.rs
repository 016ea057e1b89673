//! People who are known again by the key of their device: from one meeting to the next, and when somebody else comes under their name.

use std::time::Duration;

use conclave_base::Secret;

use super::world::{AMARA, BELA, World};
use crate::people::{PeopleChange, VerifiedPerson};
use crate::snapshot::{Command, Member, NoticeKind, Phase, Recognition, SecurityState};
use crate::{Input, InputError};

const SECOND: Duration = Duration::from_secs(1);

fn device(n: u8) -> Secret<32> {
    Secret::new([70 + n; 32])
}

/// Somebody comes in under this name, from a device with this key.
fn come(world: &mut World, name: &str, key: Option<u8>) -> usize {
    world.device = key.map(device);
    let person = world.open();
    (world.device, world.verified) = (None, Vec::new());
    world.command(person, Command::Join { name: name.to_owned() }).expect("ready to join");
    world.pass(SECOND);
    assert_eq!(world.screen(person).phase, Phase::Inside);
    person
}

fn seen(world: &World, by: usize, other: usize) -> Member {
    let identity = world.identity(other).to_text();
    world.screen(by).members.iter().find(|m| m.identity == identity).expect("a member").clone()
}

fn recognition(world: &World, by: usize, other: usize) -> Recognition {
    seen(world, by, other).recognition
}

/// `by` compares the person code with `other`.
fn compare(world: &mut World, by: usize, other: usize, same: bool) {
    let identity = world.identity(other).to_text();
    world.command(by, Command::ShowPersonCode { identity: identity.clone() }).expect("both have device keys");
    let code = seen(world, by, other).person_code.expect("it is shown");
    world.command(by, Command::ComparePerson { identity, code, same }).expect("it is what was shown");
}

/// Whom the shell of this person keeps.
fn kept(world: &World, person: usize) -> Vec<VerifiedPerson> {
    let mut people: Vec<VerifiedPerson> = Vec::new();
    for change in &world.people[person].kept {
        match change {
            PeopleChange::Verified { person } => people.push(person.clone()),
            PeopleChange::Forgotten { key } => people.retain(|one| one.key != *key),
        }
    }
    people
}

/// What Bela, on device 2, keeps after a meeting in which she verified Amara, on device 1.
fn verified() -> Vec<VerifiedPerson> {
    let mut world = World::new();
    let amara = come(&mut world, "Amara", Some(1));
    let bela = come(&mut world, "Bela", Some(2));
    compare(&mut world, bela, amara, true);
    kept(&world, bela)
}

fn changes(world: &World, person: usize) -> Vec<NoticeKind> {
    world.notices(person).into_iter().filter(|what| matches!(what, NoticeKind::KeyChanged { .. })).collect()
}

/// Bela, who verified Amara, is in another meeting.
fn bela_elsewhere() -> (World, usize) {
    let mut world = World::another();
    world.verified = verified();
    let bela = come(&mut world, "Bela", Some(2));
    (world, bela)
}

#[test]
fn both_see_one_code_and_each_verifies_for_itself() {
    let mut world = World::new();
    let amara = come(&mut world, "Amara", Some(1));
    let bela = come(&mut world, "Bela", Some(2));
    assert_eq!((recognition(&world, amara, bela), recognition(&world, bela, bela)), (Recognition::Unverified, Recognition::Guest));
    assert!(world.screen(amara).device && seen(&world, amara, bela).person_code.is_none());
    compare(&mut world, amara, bela, true);
    compare(&mut world, bela, amara, true);
    assert_eq!(seen(&world, amara, bela).person_code, seen(&world, bela, amara).person_code);
    for (by, other, name) in [(amara, bela, "Bela"), (bela, amara, "Amara")] {
        assert!(matches!(recognition(&world, by, other), Recognition::Verified { name: kept, .. } if kept == name));
        assert_eq!((world.lock(by), world.screen(by).security.verified), (SecurityState::Secure, 1));
        assert_eq!(kept(&world, by).iter().map(|one| one.name.expose().as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn who_was_verified_has_the_mark_in_another_meeting_at_once_and_under_any_name() {
    let (mut world, bela) = bela_elsewhere();
    let amara = come(&mut world, "Dr. Okafor", Some(1));
    assert!(matches!(recognition(&world, bela, amara), Recognition::Verified { name, .. } if name == "Amara"));
    assert_eq!((world.lock(bela), world.screen(bela).security.verified, changes(&world, bela)), (SecurityState::Secure, 1, Vec::new()));
    assert_ne!(verified()[0].key.expose(), "", "the key is of the device, and not of a leaf");
}

#[test]
fn another_key_or_none_under_the_name_is_loud_until_it_is_answered_and_stops_nothing() {
    for (name, key) in [("Amara", Some(3)), ("Amara", None), ("\u{410}mara", Some(3)), ("AMARA", None)] {
        let (mut world, bela) = bela_elsewhere();
        let other = come(&mut world, name, key);
        let has_device = key.is_some();
        let told = NoticeKind::KeyChanged { name: name.to_owned(), verified: "Amara".to_owned(), has_device };
        assert_eq!((world.lock(bela), changes(&world, bela)), (SecurityState::KeyChanged, vec![told]));
        let Recognition::Changed { answered: false, .. } = recognition(&world, bela, other) else { panic!("{name}") };
        world.say(other, "hello");
        assert_eq!(world.chat(bela), ["hello"], "nothing is stopped");
        world.pass(SECOND * 60);
        assert_eq!(world.lock(bela), SecurityState::KeyChanged, "it stands");

        let identity = world.identity(other).to_text();
        world.command(bela, Command::AnswerChange { identity }).expect("a member");
        assert_eq!(world.lock(bela), SecurityState::Secure);
        let Recognition::Changed { answered: true, .. } = recognition(&world, bela, other) else { panic!("it is not forgotten: {name}") };
        assert_eq!((world.screen(bela).security.verified, changes(&world, bela).len()), (0, 1));
    }
}

#[test]
fn who_verifies_the_new_key_has_verified_both() {
    let (mut world, bela) = bela_elsewhere();
    let again = come(&mut world, "Amara", Some(3));
    compare(&mut world, bela, again, true);
    assert_eq!(world.lock(bela), SecurityState::Secure);
    let amara = come(&mut world, "Amara", Some(1));
    for who in [again, amara] {
        assert!(matches!(recognition(&world, bela, who), Recognition::Verified { .. }));
    }
    let Recognition::Verified { key, .. } = recognition(&world, bela, amara) else { panic!("verified") };
    world.command(bela, Command::ForgetPerson { key: key.clone() }).expect("is kept");
    assert_eq!(world.command(bela, Command::ForgetPerson { key }), Err(InputError::NoMember));
    assert!(matches!(recognition(&world, bela, amara), Recognition::Changed { .. }), "another device of that name is verified still");
}

#[test]
fn a_difference_is_loud_and_takes_the_mark() {
    let (mut world, bela) = bela_elsewhere();
    let amara = come(&mut world, "Amara", Some(1));
    compare(&mut world, bela, amara, false);
    assert!(matches!(recognition(&world, bela, amara), Recognition::Differs { .. }));
    assert_eq!(world.lock(bela), SecurityState::CodeDiffers);
    assert!(world.notices(bela).contains(&NoticeKind::CodeDiffers { name: "Amara".to_owned(), by_me: true }));
    assert!(matches!(world.people[bela].kept.as_slice(), [PeopleChange::Forgotten { .. }]));
    compare(&mut world, bela, amara, true);
    assert_eq!(world.lock(bela), SecurityState::Secure, "it was a slip");
}

#[test]
fn a_device_key_can_be_taken_on_inside_and_not_taken_back() {
    let mut world = World::new();
    let amara = come(&mut world, "Amara", None);
    let bela = come(&mut world, "Bela", Some(2));
    let identity = world.identity(amara).to_text();
    assert_eq!(recognition(&world, bela, amara), Recognition::Guest);
    assert_eq!(world.command(bela, Command::ShowPersonCode { identity }), Err(InputError::NoDevice));
    world.handle(amara, Input::Device(Some(device(1))));
    world.pass(SECOND);
    assert!(world.screen(amara).device);
    assert_eq!(recognition(&world, bela, amara), Recognition::Unverified);
    compare(&mut world, bela, amara, true);
    world.handle(amara, Input::Device(None));
    world.pass(SECOND);
    assert!(world.screen(amara).device, "it has been seen");
    // After a broken line, and by another leaf.
    world.break_connection(amara);
    world.pass(SECOND * 30);
    assert!(matches!(recognition(&world, bela, amara), Recognition::Verified { .. }));
}

#[test]
fn before_one_goes_in_it_is_switched_on_and_off() {
    let mut world = World::new();
    let bela = come(&mut world, "Bela", Some(2));
    for on in [true, false] {
        let guest = world.open();
        world.handle(guest, Input::Device(Some(device(1))));
        if !on {
            world.handle(guest, Input::Device(None));
        }
        assert_eq!(world.screen(guest).device, on);
        world.join(guest);
        world.pass(SECOND);
        assert_eq!(recognition(&world, bela, guest) == Recognition::Unverified, on);
    }
}

#[test]
fn who_found_the_same_safety_code_can_be_verified_by_it() {
    let mut world = World::new();
    let amara = come(&mut world, "Amara", Some(1));
    let bela = come(&mut world, "Bela", Some(2));
    assert_eq!((amara, bela), (AMARA, BELA));
    world.pass(SECOND * 6);
    let code = world.screen(amara).safety_code.clone().expect("inside");
    let ids = [amara, bela].map(|person| world.identity(person).to_text());
    let keep = Command::KeepCompared { identity: ids[1].clone() };
    world.command(amara, Command::Compare { identity: ids[1].clone(), code: code.clone(), same: true }).expect("it was read");
    assert_eq!(world.command(amara, keep.clone()), Err(InputError::OutOfTurn), "one side's word is not enough");
    world.command(bela, Command::Compare { identity: ids[0].clone(), code, same: true }).expect("it was read");
    assert_eq!(world.screen(amara).security.verified, 1, "for this stay");
    world.command(amara, keep).expect("both found the same");
    assert!(matches!(recognition(&world, amara, bela), Recognition::Verified { .. }));
    assert_eq!(kept(&world, amara).len(), 1);
}

#[test]
fn the_safety_code_answers_for_this_stay_who_comes_without_a_key() {
    let (mut world, bela) = bela_elsewhere();
    let guest = come(&mut world, "Amara", None);
    world.pass(SECOND * 6);
    let code = world.screen(bela).safety_code.clone().expect("inside");
    let ids = [guest, bela].map(|person| world.identity(person).to_text());
    world.command(bela, Command::Compare { identity: ids[0].clone(), code: code.clone(), same: true }).expect("it was read");
    assert_eq!(world.lock(bela), SecurityState::KeyChanged);
    world.command(guest, Command::Compare { identity: ids[1].clone(), code, same: true }).expect("it was read");
    assert_eq!(world.lock(bela), SecurityState::Secure);
    assert!(kept(&world, bela).is_empty(), "there is no key to keep");
}
