//! Making and looking up meetings.

use std::time::Duration;

use conclave_admission::{HttpRequest, HttpResponse};
use conclave_base::MeetingId;
use conclave_protocol::http::{
    ApiErrorCode, CreateMeeting, EvaluatePassphrase, LookupMeeting, PassphraseEvaluated, PassphraseRight, UpdateMeeting,
};
use conclave_protocol::{challenge, limits};
use ed25519_dalek::Signer as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use voprf::{EvaluationElement, Group as _, Proof, Ristretto255, VoprfClient};

use crate::world::{HERE, HOST, START, THERE, World, create, key, meeting, update};

#[test]
fn meetings_are_made_once_within_limits_and_not_too_many_at_once() {
    let mut world = World::empty(|config| config.creations = (1, 4));
    assert!(
        matches!(world.http(HttpRequest::create(create(u64::MAX))), Ok(HttpResponse::Created(made)) if made.expires_at < START + 367 * 86_400)
    );
    assert_eq!(world.http(HttpRequest::create(create(3600))), Err(ApiErrorCode::Exists));
    assert_eq!(world.http(HttpRequest::create(create(0))), Err(ApiErrorCode::Malformed));
    let large = CreateMeeting { sealed_meta: vec![0; limits::SEALED_META + 1], ..create(3600) };
    assert_eq!(world.http(HttpRequest::create(large)), Err(ApiErrorCode::TooLarge));
    for _ in 0..2 {
        assert_eq!(world.http(HttpRequest::create(create(3600))), Err(ApiErrorCode::Exists));
    }
    assert_eq!(
        world.http(HttpRequest::create(create(3600))),
        Err(ApiErrorCode::Busy),
        "four were counted, and none that is not well-formed"
    );
    world.pass(Duration::from_secs(1));
    assert_eq!(world.http(HttpRequest::create(create(3600))), Err(ApiErrorCode::Exists));
}

#[test]
fn what_cannot_be_counted_is_not_done_and_others_are_served() {
    let mut world = World::new();
    world.orders_away = true;
    assert_eq!(world.http(HttpRequest::create(create(3600))), Err(ApiErrorCode::Unavailable));
    let guess = VoprfClient::<Ristretto255>::blind(b"a guess", &mut ChaCha20Rng::from_seed([1; 32])).expect("no empty input");
    let asked = EvaluatePassphrase { meeting: meeting(), blinded: guess.message.serialize().into() };
    assert_eq!(world.http(HttpRequest::EvaluatePassphrase(asked)), Err(ApiErrorCode::Unavailable));
    assert!(world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() })).is_ok());
}

#[test]
fn an_admission_key_that_any_signature_fits_is_refused() {
    let mut world = World::empty(|_| {});
    let mut weak = create(3600);
    weak.admission_key = [0; 32];
    weak.admission_key[0] = 1;
    assert_eq!(world.http(HttpRequest::create(weak)), Err(ApiErrorCode::Malformed));
}

#[test]
fn the_host_alone_replaces_the_sealed_record() {
    let mut world = World::new();
    let kept = |world: &mut World| match world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() })) {
        Ok(HttpResponse::Info(info)) => info.sealed_meta,
        other => panic!("{other:?}"),
    };
    let before = kept(&mut world);
    let right = update(HOST, vec![9; 50]);
    for wrong in [
        // A key of one's own, signed properly.
        update(3, vec![9; 50]),
        // The host's key, which every member sees, and a signature of one's own.
        UpdateMeeting { host_key: right.host_key, ..update(3, vec![9; 50]) },
        // A signature that the host made for something else.
        UpdateMeeting { sealed_meta: vec![8; 50], ..right.clone() },
    ] {
        assert_eq!(world.http(HttpRequest::Update(Box::new(wrong))), Err(ApiErrorCode::NotHost));
    }
    assert_eq!(kept(&mut world), before);
    assert_eq!(world.http(HttpRequest::Update(Box::new(update(HOST, vec![9; limits::SEALED_META + 1])))), Err(ApiErrorCode::TooLarge));
    assert_eq!(world.http(HttpRequest::Update(Box::new(right.clone()))), Ok(HttpResponse::Updated));
    assert_eq!(kept(&mut world), right.sealed_meta);
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.http(HttpRequest::Update(Box::new(right))), Err(ApiErrorCode::NotFound));
}

#[test]
fn a_session_does_not_notice_that_the_storage_fails() {
    let mut world = World::new();
    let lookup = |world: &mut World| world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() }));
    world.enter(1, None);
    let known = lookup(&mut world);
    world.storage_fails = true;
    assert_eq!(lookup(&mut world), known, "who looks it up before coming in is told as ever");
    let second = world.enter(2, None);
    assert_eq!(world.closed(second), None, "and comes in");
    let elsewhere = LookupMeeting { meeting: MeetingId::from_bytes([8; 16]) };
    assert_eq!(world.http(HttpRequest::LookupMeeting(elsewhere)), Err(ApiErrorCode::Unavailable), "of any other meeting nothing is known");
}

/// What was sent, what came of it, and by which public key.
type Evaluated = ([u8; 32], Vec<u8>, [u8; 32]);

/// Asks for the server's part of a passphrase.
fn try_passphrase(world: &mut World, at: MeetingId, text: &[u8], seed: u8) -> Result<Evaluated, HttpResponse> {
    let blinding = VoprfClient::<Ristretto255>::blind(text, &mut ChaCha20Rng::from_seed([seed; 32])).expect("not empty");
    let blinded = blinding.message.serialize().into();
    match world.http(HttpRequest::EvaluatePassphrase(EvaluatePassphrase { meeting: at, blinded })) {
        Ok(HttpResponse::Evaluated(answer)) => {
            let PassphraseEvaluated { evaluated, proof, server_key } = *answer;
            let evaluated = EvaluationElement::deserialize(&evaluated).expect("an element");
            let proof = Proof::deserialize(&proof).expect("a proof");
            let public = Ristretto255::deserialize_elem(&server_key).expect("a key");
            let output = blinding.state.finalize(text, &evaluated, &proof, public).expect("evaluated with the key that it names");
            Ok((blinded, output.to_vec(), server_key))
        }
        Ok(other) => Err(other),
        Err(code) => panic!("{code:?}"),
    }
}

#[test]
fn a_passphrase_is_evaluated_alike_each_time_and_otherwise_at_each_meeting_and_server() {
    let mut world = World::new();
    let (sent, output, public) = try_passphrase(&mut world, meeting(), b"tea at four", 1).expect("answered");
    let (other_sent, again, same_public) = try_passphrase(&mut world, meeting(), b"tea at four", 2).expect("answered");
    assert_ne!(sent, other_sent, "what is sent tells nothing");
    assert_eq!((&output, public), (&again, same_public));
    assert_ne!(try_passphrase(&mut world, meeting(), b"tea at five", 1).expect("answered").1, output);
    let (_, elsewhere, other_public) = try_passphrase(&mut world, MeetingId::from_bytes([8; 16]), b"tea at four", 1).expect("not kept yet");
    assert!(elsewhere != output && other_public != public);
    let mut another = World::with(|config| config.passphrases = conclave_base::Secret::new([11; 32]));
    assert_ne!(try_passphrase(&mut another, meeting(), b"tea at four", 1).expect("answered").1, output);
    for blinded in [[0; 32], [255; 32]] {
        let wrong = HttpRequest::EvaluatePassphrase(EvaluatePassphrase { meeting: meeting(), blinded });
        assert_eq!(world.http(wrong), Err(ApiErrorCode::Malformed));
    }
}

#[test]
fn tries_are_stopped_unless_they_were_right() {
    let mut world = World::new();
    let right = |world: &mut World, seed: u8, by: u8| {
        let (blinded, ..) = try_passphrase(world, meeting(), b"tea at four", seed).expect("answered");
        let signature = key(by).sign(&challenge::passphrase(&meeting(), &blinded)).to_bytes();
        world.http(HttpRequest::PassphraseRight(Box::new(PassphraseRight { meeting: meeting(), blinded, signature })))
    };
    for seed in 0..100 {
        assert_eq!(right(&mut world, seed, 200), Ok(HttpResponse::Noted));
    }
    for seed in 0..10 {
        assert_eq!(right(&mut world, seed, 201), Err(ApiErrorCode::Malformed), "not by the admission key");
    }
    let refused = try_passphrase(&mut world, meeting(), b"tea at four", 1);
    assert_eq!(refused.map(drop), Err(HttpResponse::TooManyTries { retry_after: 30 }));
    let elsewhere = EvaluatePassphrase { meeting: meeting(), blinded: blinded() };
    assert!(matches!(world.http_from(THERE, HttpRequest::EvaluatePassphrase(elsewhere.clone())), Ok(HttpResponse::Evaluated(_))));
    world.pass(Duration::from_secs(30));
    assert!(matches!(world.http_from(HERE, HttpRequest::EvaluatePassphrase(elsewhere)), Ok(HttpResponse::Evaluated(_))));
}

fn blinded() -> [u8; 32] {
    let blinding = VoprfClient::<Ristretto255>::blind(b"guess", &mut ChaCha20Rng::from_seed([7; 32])).expect("not empty");
    blinding.message.serialize().into()
}
