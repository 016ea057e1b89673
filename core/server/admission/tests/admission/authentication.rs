//! Who is let in, and who is told why not.

use conclave_admission::{HttpRequest, HttpResponse, Input};
use conclave_base::Seq;
use conclave_protocol::http::LookupMeeting;
use conclave_protocol::ws::{ClientMessage, CloseReason, ServerMessage};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::Signer as _;

use crate::world::{World, create, key, meeting};

#[test]
fn who_proves_both_keys_is_let_in_and_gets_a_token() {
    let mut world = World::new();
    let conn = world.enter(1, None);
    let [ServerMessage::Admitted { media_token, head, stale, .. }] = &world.received(conn)[..] else { panic!("not admitted") };
    assert_eq!((media_token.as_str(), *head, *stale), ("token", Seq(0), false));
    let info = world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() }));
    assert!(matches!(info, Ok(HttpResponse::Info(info)) if info.inside == 1 && info.limit == limits::PEOPLE));
}

#[test]
fn a_wrong_key_a_foreign_nonce_and_a_foreign_identity_are_refused() {
    let mut world = World::new();
    let (conn, nonce) = world.hello(None);
    world.prove(conn, &key(201), &key(1), nonce.expect("challenged"));
    assert_eq!(world.closed(conn), Some(CloseReason::BadProof));

    let (_, old) = world.hello(None);
    let (conn, fresh) = world.hello(None);
    assert_ne!(old, fresh);
    world.prove(conn, &key(200), &key(1), old.expect("challenged"));
    assert_eq!(world.closed(conn), Some(CloseReason::BadProof));

    let (conn, nonce) = world.hello(None);
    let nonce = nonce.expect("challenged");
    let stolen = ClientMessage::Prove {
        admission: key(200).sign(&challenge::admission(&meeting(), &nonce)).to_bytes(),
        identity_key: *key(1).verifying_key().as_bytes(),
        identity: key(2).sign(&challenge::identity(&meeting(), &nonce)).to_bytes(),
    };
    world.send(conn, &stolen);
    assert_eq!(world.closed(conn), Some(CloseReason::BadProof));
    assert_eq!(world.admission.figures().counters.bad_proofs, 3);
}

#[test]
fn an_unknown_meeting_another_version_and_a_slow_answer_are_told_apart() {
    let mut world = World::empty(|_| {});
    let (conn, nonce) = world.hello(None);
    assert_eq!((nonce, world.closed(conn)), (None, Some(CloseReason::NotFound)));

    let conn = world.connect();
    world.send(conn, &ClientMessage::Hello { version: 999, meeting: meeting(), after: None });
    assert_eq!(world.closed(conn), Some(CloseReason::Version));

    world.http(HttpRequest::create(create(3600))).expect("made");
    let silent = world.connect();
    let (slow, _) = world.hello(None);
    world.pass(limits::CHALLENGE_TTL);
    assert_eq!((world.closed(silent), world.closed(slow)), (Some(CloseReason::Timeout), Some(CloseReason::Timeout)));
}

#[test]
fn messages_out_of_turn_or_not_understood_close_the_connection_and_are_counted() {
    let mut world = World::new();
    let early = world.connect();
    world.send(early, &ClientMessage::Ping);
    let twice = world.enter(1, None);
    world.send(twice, &ClientMessage::Hello { version: 1, meeting: meeting(), after: None });
    let garbage = world.connect();
    world.input(Input::Message { conn: garbage, bytes: &[0xff; 99] });
    let text = world.connect();
    world.input(Input::Unreadable { conn: text });
    for conn in [early, twice, garbage, text] {
        assert_eq!(world.closed(conn), Some(CloseReason::Malformed));
    }
    assert_eq!(world.admission.figures().counters.malformed, 4);
}

#[test]
fn tokens_are_renewed_and_a_stop_is_told_to_all_and_to_who_comes_after() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.send(a, &ClientMessage::RenewToken);
    assert!(world.received(a).contains(&ServerMessage::Token { media_token: "token".to_owned() }));
    world.input(Input::Stop);
    let late = world.connect();
    assert_eq!((world.closed(a), world.closed(late)), (Some(CloseReason::Stopping), Some(CloseReason::Stopping)));
}
