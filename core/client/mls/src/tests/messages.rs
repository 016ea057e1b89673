use conclave_protocol::payload::App;

use super::*;
use crate::{CommandError, hostile};

#[test]
fn a_message_reaches_everybody_but_its_sender_cannot_read_it() {
    let mut world = World::of(3);
    let app = message("Grüße aus Köln");
    let from = world.id(1);
    let sealed = world.people[1].application(&app).expect("a message is sealed");
    assert!(!contains(&sealed.bytes, "Köln".as_bytes()));
    let epoch = world.people[0].epoch();
    for (n, person) in world.people.iter_mut().enumerate() {
        let expected = if n == 1 { Processed::Own { epoch } } else { Processed::App { from, epoch, app: app.clone() } };
        assert_eq!(person.process(sealed.class, &sealed.bytes, &nobody()), Ok(expected));
    }
}

#[test]
fn nobody_speaks_in_the_name_of_another_member() {
    let mut world = World::of(3);
    let (victim, attacker) = (world.id(1), config(2).signer);
    let epoch = world.people[0].epoch();
    let app = App::Comparison { with: world.id(0), authenticator: world.people[0].authenticator8(), same: true };
    let forged = hostile::speak_as(&mut world.people[1], &attacker, &app);
    assert_eq!(world.people[0].process(forged.class, &forged.bytes, &nobody()), Err(RuleViolation::Invalid));
    // With the victim's own key the same bytes are its word: what was refused was the signature.
    let own = hostile::speak_as(&mut world.people[1], &config(1).signer, &app);
    assert_eq!(world.people[0].process(own.class, &own.bytes, &nobody()), Ok(Processed::App { from: victim, epoch, app }));
}

#[test]
fn a_replayed_message_is_refused() {
    let mut world = World::of(2);
    let sealed = world.people[1].application(&message("once")).expect("a message is sealed");
    world.append(sealed.clone()).expect("the first time it is read");
    assert_eq!(world.append(sealed), Err(RuleViolation::Invalid));
}

#[test]
fn a_message_that_a_commit_overtook_is_still_read() {
    let mut world = World::of(3);
    let sealed = world.people[1].application(&message("slow")).expect("a message is sealed");
    let update = world.people[0].update().expect("an update is built");
    world.append(update).expect("an update is taken");
    assert!(matches!(world.append(sealed), Ok(Processed::App { from, .. }) if from == world.id(1)));
}

#[test]
fn a_message_of_long_ago_is_not_read() {
    let mut world = World::of(2);
    let sealed = world.people[1].application(&message("very slow")).expect("a message is sealed");
    for _ in 0..3 {
        let update = world.people[0].update().expect("an update is built");
        world.append(update).expect("an update is taken");
    }
    assert_eq!(world.append(sealed), Ok(Processed::Unreadable));
}

#[test]
fn a_newcomer_does_not_read_what_was_sealed_before() {
    let mut world = World::of(2);
    let sealed = world.people[1].application(&message("between us")).expect("a message is sealed");
    world.join(config(2));
    assert_eq!(world.people[2].process(sealed.class, &sealed.bytes, &nobody()), Ok(Processed::Unreadable));
}

#[test]
fn a_removed_member_is_not_heard_even_in_the_epoch_before() {
    let mut world = World::of(3);
    let victim = world.id(1);
    let sealed = world.people[1].application(&message("one last word")).expect("a message is sealed");
    let commit = world.people[0].order(&removal(victim)).expect("a host may");
    world.append(commit).expect("a host may");
    assert_eq!(world.append(sealed), Ok(Processed::Unreadable));
}

#[test]
fn messages_go_on_while_somebody_leaves_and_while_a_commit_is_pending() {
    let mut world = World::of(3);
    let ask = world.people[2].leave().expect("leaving is asked");
    world.append(ask).expect("asking is valid");
    let commit = world.people[0].commit_pending().expect("the leave is committed");
    for n in 0..3 {
        let sealed = world.people[n].application(&message("meanwhile")).expect("a message is sealed");
        world.append(sealed).expect("a message is read");
    }
    world.append(commit).expect("a leave is valid");
}

#[test]
fn sizes_of_messages_say_little() {
    let mut world = World::of(2);
    let size = |world: &mut World, app: &App| world.people[0].application(app).expect("a message is sealed").bytes.len();
    let state = App::State { mic: true, camera: false, screen: false };
    let beat =
        App::Heartbeat { epoch: 3, authenticator: [1; 8], roster: [2; 8], seq: conclave_base::Seq(1), chain_hash: [3; 8], mic: true };
    let short = size(&mut world, &message("ok"));
    assert_eq!([size(&mut world, &state), size(&mut world, &beat), size(&mut world, &message(&"x".repeat(200)))], [short; 3]);
    assert!(size(&mut world, &message(&"x".repeat(300))) > short);
}

#[test]
fn the_longest_chat_fits_and_more_than_an_entry_does_not() {
    let mut world = World::of(2);
    let longest = "\u{10FFFF}".repeat(conclave_protocol::limits::CHAT_CHARS);
    let sealed = world.people[0].application(&message(&longest)).expect("the longest chat fits");
    assert!(matches!(world.people[1].process(sealed.class, &sealed.bytes, &nobody()), Ok(Processed::App { .. })));
    assert_eq!(world.people[0].application(&message(&"x".repeat(70_000))), Err(CommandError::TooLarge));
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}
