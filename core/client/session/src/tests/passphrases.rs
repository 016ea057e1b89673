//! The passphrase beside the link: right, wrong, too often, and with a server that lies.

use std::time::Duration;

use conclave_base::Secret;
use conclave_protocol::http::{ApiError, ApiErrorCode};

use super::world::{World, evaluate};
use crate::snapshot::{Command, PassphraseStep, Phase};
use crate::{CreateError, CreationWithPassphrase, InputError, NewMeeting};

const RIGHT: &str = "tea at four or five";

fn attempt(text: &str) -> Command {
    Command::Passphrase { text: text.to_owned() }
}

fn needed(wrong: u32, step: PassphraseStep) -> Phase {
    Phase::NeedsPassphrase { wrong, step }
}

#[test]
fn one_is_asked_for_and_checked() {
    let mut world = World::with_passphrase(RIGHT);
    let amara = world.open();
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::Wanted));
    for (wrong, text) in [(1, "tea at five or four"), (2, "Tea at four or five")] {
        world.command(amara, attempt(text)).expect("may be tried");
        assert_eq!(world.screen(amara).phase, needed(wrong, PassphraseStep::Wanted), "each wrong answer is told as one more");
    }
    assert_eq!(world.server.rights, 0);
    world.command(amara, attempt(" tea at four or five\n")).expect("may be tried");
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { .. }));
    assert_eq!(world.server.rights, 1, "the right one does not count as a try");
    let title = Command::SetTitle { title: "Renamed".to_owned() };
    world.command(amara, title).expect("the host may");
    world.join(amara);
    let url = world.created.link.url("https://meet.example");
    let bela = world.open_link(&url, Some(RIGHT));
    assert_eq!(world.screen(bela).title, "Renamed");
    world.join(bela);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.names(amara), ["Amara", "Bela"]);
    let chidi = world.open_link(&url, Some("tea at six or seven"));
    assert_eq!(world.screen(chidi).phase, needed(1, PassphraseStep::Wanted));
}

#[test]
fn an_empty_or_endless_one_is_no_try() {
    let mut world = World::with_passphrase(RIGHT);
    let amara = world.open();
    for text in ["", " ", &"tea ".repeat(300)] {
        assert_eq!(world.command(amara, attempt(text)), Err(InputError::Text));
    }
    assert_eq!((world.screen(amara).phase.clone(), world.server.tries.len()), (needed(0, PassphraseStep::Wanted), 0));
}

#[test]
fn what_the_server_sees_of_it_is_never_the_same() {
    let mut world = World::with_passphrase(RIGHT);
    let url = world.created.link.url("https://meet.example");
    for _ in 0..2 {
        let person = world.open_link(&url, None);
        world.command(person, attempt(RIGHT)).expect("may be tried");
    }
    let [one, other] = world.server.tries.as_slice() else { panic!("two tries") };
    assert_ne!(one, other);
}

#[test]
fn a_server_that_does_not_answer_is_said_to_be_so_and_the_passphrase_is_not_called_wrong() {
    let mut world = World::with_passphrase(RIGHT);
    let amara = world.open();
    world.server.up = false;
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::Unreachable));
    world.server.up = true;
    let busy = serde_json::to_vec(&ApiError::new(ApiErrorCode::Busy, String::new())).expect("no failing serializer");
    world.server.passphrase_answer = Some((429, busy));
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::Unreachable));
    world.server.passphrase_answer = None;
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { .. }));
}

#[test]
fn after_too_many_tries_one_waits_as_long_as_the_server_says() {
    let mut world = World::with_passphrase(RIGHT);
    let amara = world.open();
    let problem = ApiError { retry_after: Some(90), ..ApiError::new(ApiErrorCode::TooManyTries, String::new()) };
    world.server.passphrase_answer = Some((429, serde_json::to_vec(&problem).expect("no failing serializer")));
    let until = (world.now + Duration::from_secs(90)).as_millis() as f64;
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::TooManyTries { until }));
    assert_eq!(world.command(amara, attempt(RIGHT)), Err(InputError::Busy));
    world.server.passphrase_answer = None;
    world.pass(Duration::from_secs(91));
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::Wanted));
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { .. }));
}

#[test]
fn an_answer_by_another_key_than_the_host_signed_is_no_answer() {
    let mut world = World::with_passphrase(RIGHT);
    let amara = world.open();
    world.server.passphrase_key = 2;
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::OtherServerKey), "it is not taken for a wrong passphrase");
    // A right answer to another question, or to none.
    let first = world.server.tries[0].clone();
    for answer in [evaluate(1, &first), b"{}".to_vec(), vec![0; 100_000]] {
        world.server.passphrase_answer = Some((200, answer));
        world.command(amara, attempt(RIGHT)).expect("may be tried");
        assert_eq!(world.screen(amara).phase, needed(0, PassphraseStep::OtherServerKey));
    }
    world.server.passphrase_answer = None;
    world.server.passphrase_key = 1;
    world.command(amara, attempt(RIGHT)).expect("may be tried");
    assert!(matches!(world.screen(amara).phase, Phase::Prejoin { .. }));
}

#[test]
fn a_meeting_is_made_with_a_passphrase_that_is_worth_it_and_a_server_that_does_its_part() {
    let creation = |passphrase| CreationWithPassphrase::new(NewMeeting::default(), passphrase, &Secret::new([4; 32]));
    for short in ["", "tea at four", "   tea at four   ", "aaaaaaaaaaaaaaaa"] {
        assert_eq!(creation(short).map(drop), Err(CreateError::Passphrase), "{short}");
    }
    let made = creation(RIGHT).expect("long");
    let answer = evaluate(1, &made.body);
    for wrong in [b"{}".to_vec(), evaluate(1, &creation("another passphrase").expect("long").body)] {
        assert_eq!(creation(RIGHT).expect("long").finish(&wrong).map(drop), Err(CreateError::Server));
    }
    assert!(made.finish(&answer).is_ok());
}
