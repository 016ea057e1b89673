//! Coming in: links, records, the first and the next.

use std::time::Duration;

use conclave_base::{Machine as _, Polled, Time};
use conclave_protocol::ws::Class;

use crate::snapshot::{Command, EndReason, JoinStep, NoticeKind, Phase, SecurityState};

use super::world::{AMARA, BELA, CHIDI, World};
use crate::{Config, Input, InputError, Output, Session};

#[test]
fn who_finds_nothing_but_junk_in_the_log_founds_a_group() {
    let mut world = World::of(0);
    world.append_raw(Class::Commit, vec![7; 100]);
    let amara = world.open();
    world.join(amara);
    world.pass(Duration::from_secs(10));
    assert_ne!(world.screen(amara).phase, Phase::Inside, "whoever is there may still help");
    world.pass(Duration::from_secs(3));
    let bela = world.open();
    world.join(bela);
    world.pass(Duration::from_secs(2));
    assert_eq!([amara, bela].map(|who| (world.names(who).len(), world.lock(who))), [(2, SecurityState::Secure); 2]);
}

#[test]
fn the_first_founds_and_the_next_join() {
    let world = World::of(3);
    for person in [AMARA, BELA, CHIDI] {
        let screen = world.screen(person);
        assert_eq!(world.names(person), ["Amara", "Bela", "Chidi"]);
        assert_eq!((screen.title.as_str(), screen.security.state, screen.security.people), ("Planning", SecurityState::Secure, 3));
        assert_eq!(screen.safety_code, world.screen(AMARA).safety_code);
        assert_eq!(screen.members.iter().map(|m| m.host).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(screen.members.iter().position(|m| m.me), Some(person));
        assert_eq!(screen.host, person == AMARA);
        assert_eq!(world.people[person].tokens, [world.identity(person).to_text()], "one token, for the own identity");
    }
    assert!(world.notices(AMARA).contains(&NoticeKind::Joined { name: "Chidi".to_owned() }));
}

#[test]
fn two_who_come_at_once_are_both_inside_and_in_one_group() {
    let mut world = World::new();
    for _ in 0..3 {
        world.open();
    }
    for person in [BELA, AMARA, CHIDI] {
        let name = format!("P{person}");
        world.people[person].meeting.handle(Input::Command(Command::Join { name }), world.now).expect("ready");
    }
    world.pass(Duration::from_secs(1));
    for person in [AMARA, BELA, CHIDI] {
        assert_eq!(world.names(person).len(), 3);
        assert_eq!(world.screen(person).safety_code, world.screen(AMARA).safety_code);
    }
}

#[test]
fn the_host_gives_the_meeting_another_title_before_going_in() {
    let mut world = World::new();
    let (amara, bela) = (world.open(), world.open());
    let title = |title: &str| Command::SetTitle { title: title.to_owned() };
    assert_eq!(world.command(amara, title(" Editorial, Tuesday ")), Ok(()));
    assert_eq!(world.screen(amara).title, "Editorial, Tuesday");
    let chidi = world.open();
    assert_eq!(world.screen(chidi).title, "Editorial, Tuesday", "who comes later reads it in the record, signed by the host");
    assert_eq!(world.command(bela, title("Mine")), Err(InputError::NotHost));
    assert_eq!(world.command(amara, title(&"m".repeat(121))), Err(InputError::Text));
    assert_eq!(world.command(amara, title("two\nlines")), Err(InputError::Text));
    world.server.up = false;
    assert_eq!(world.command(amara, title("Lost")), Ok(()));
    assert_eq!(world.screen(amara).title, "Editorial, Tuesday", "what the server did not keep is taken back");
    world.server.up = true;
    assert_eq!(world.command(amara, title("")), Ok(()));
    assert_eq!(world.screen(amara).title, "");
    world.join(amara);
    assert_eq!(world.command(amara, title("Inside")), Err(InputError::OutOfTurn));
}

#[test]
fn phases_follow_one_another() {
    let mut world = World::new();
    world.server.up = false;
    let amara = world.open();
    assert_eq!(world.screen(amara).phase, Phase::LookingUp);
    world.server.up = true;
    world.pass(Duration::from_secs(1));
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { inside: 0, .. }));
    assert_eq!(world.command(amara, Command::Chat { text: "early".to_owned() }), Err(InputError::OutOfTurn));
    world.server.up = false;
    world.join(amara);
    assert_eq!(world.screen(amara).phase, Phase::Joining { step: JoinStep::Connecting });
    world.pass(Duration::from_secs(30));
    assert_eq!(world.over(amara), Some(EndReason::Unreachable));
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_so() {
    let mut world = World::new();
    world.server.up = false;
    let amara = world.open();
    world.pass(Duration::from_secs(30));
    assert_eq!(world.over(amara), Some(EndReason::Unreachable));
}

#[test]
fn a_look_up_that_failed_is_made_again_once_there_is_a_network() {
    let mut world = World::new();
    world.server.up = false;
    let amara = world.open();
    world.pass(Duration::from_secs(2));
    assert_eq!(world.screen(amara).phase, Phase::LookingUp);
    world.server.up = true;
    world.online(amara);
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { .. }));
}

#[test]
fn a_cut_link_asks_nothing_of_the_server() {
    let world = World::new();
    let url = world.created.link.url("https://meet.example");
    let config = Config::new(conclave_base::Redacted::new(url[..url.len() - 3].to_owned()), conclave_base::Secret::new([1; 32]));
    let mut meeting = Session::new(config, world.now);
    assert_eq!(meeting.snapshot().phase, Phase::Ended { reason: EndReason::LinkCut });
    assert!(matches!(meeting.poll(), Polled::Output(Output::Update(_))));
    assert_eq!(meeting.poll(), Polled::Idle(Time::MAX));
}

#[test]
fn a_changed_link_is_another_meeting() {
    let mut world = World::new();
    let mut url = world.created.link.url("https://meet.example");
    let last = url.len() - 10;
    let other = if url.as_bytes()[last] == b'A' { "B" } else { "A" };
    url.replace_range(last..=last, other);
    let amara = world.open_link(&url, None);
    assert_eq!(world.over(amara), Some(EndReason::NotFound));
}

#[test]
fn a_record_that_the_server_altered_is_noticed() {
    let mut world = World::new();
    let record = world.server.made.sealed_meta.clone();
    world.server.made.sealed_meta[40] ^= 1;
    let amara = world.open();
    assert_eq!(world.over(amara), Some(EndReason::LinkWrong));

    world.server.made.sealed_meta = record;
    world.server.made.sealed_meta[0] = 0x81;
    let bela = world.open();
    assert_eq!(world.over(bela), Some(EndReason::LinkWrong), "the host did not say that there is a passphrase");
}

#[test]
fn a_host_who_is_not_the_link_s_is_refused() {
    let mut world = World::new();
    let other = World::with_passphrase("quite another one");
    // Somebody with the link, but not the host, seals a record of their own.
    let keys = crate::keys::Keys::new(&world.created.link, None);
    let mut rng = crate::rng::Rng::new(&conclave_base::Secret::new([3; 32]));
    let impostor = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let policy = super::policy(impostor.verifying_key().to_bytes(), conclave_mls::SUITE);
    world.server.made.sealed_meta = crate::meeting_record::seal(&keys, &impostor, "Mine now", policy, &mut rng);
    let amara = world.open();
    assert_eq!(world.over(amara), Some(EndReason::HostMismatch));
    // The same of a meeting with a passphrase: the server's key is one that the host signed, or none.
    let mut world = other;
    let record = world.server.made.sealed_meta.clone();
    for at in [1, 40, 100] {
        world.server.made.sealed_meta[at] ^= 1;
        let person = world.open();
        assert_eq!(world.over(person), Some(EndReason::HostMismatch), "byte {at}");
        world.server.made.sealed_meta.clone_from(&record);
    }
    assert!(world.server.tries.is_empty(), "nobody was asked for a passphrase");
}

#[test]
fn every_reason_to_close_has_its_end() {
    use conclave_protocol::ws::{CloseReason, ServerMessage};
    for (reason, why) in [
        (CloseReason::Version, EndReason::Version),
        (CloseReason::NotFound, EndReason::NotFound),
        (CloseReason::Expired, EndReason::NotFound),
        (CloseReason::BadProof, EndReason::LinkWrong),
        (CloseReason::Full, EndReason::Full),
        (CloseReason::Malformed, EndReason::Refused),
        (CloseReason::Replaced, EndReason::Replaced),
    ] {
        let mut world = World::of(1);
        world.tell(AMARA, ServerMessage::Closing { reason });
        assert_eq!(world.over(AMARA), Some(why));
        assert!(world.seal(AMARA, conclave_base::Source::Camera, b"frame").is_err(), "nothing is sealed after the end");
    }
}
