//! Host keys on their way to other devices.

use conclave_admission::{HttpRequest, HttpResponse};
use conclave_base::MeetingId;
use conclave_protocol::http::{ApiErrorCode, AskHostKeys, HostKeyOffer, HostKeyState, HostKeyTaken, OfferHostKey, TakeHostKey};
use conclave_protocol::{host, limits};
use ed25519_dalek::Signer as _;

use crate::world::{HOST, START, World, key, meeting};

const UNTIL: u64 = START + limits::HOST_KEY_KEPT.as_secs();

fn offer_until(by: u8, n: u8, expires_at: u64) -> OfferHostKey {
    let (offer, sealed) = ([n; 16], vec![n; 60]);
    let signature = key(by).sign(&host::offer_claim(&meeting(), &offer, &sealed, expires_at)).to_bytes();
    OfferHostKey { meeting: meeting(), host_key: *key(by).verifying_key().as_bytes(), offer, sealed, expires_at, signature }
}

fn offer(by: u8, n: u8) -> OfferHostKey {
    offer_until(by, n, UNTIL)
}

fn send(world: &mut World, offer: OfferHostKey) -> Result<HttpResponse, ApiErrorCode> {
    world.http(HttpRequest::OfferHostKey(Box::new(offer)))
}

fn take(world: &mut World, n: u8) -> Result<HttpResponse, ApiErrorCode> {
    world.http(HttpRequest::TakeHostKey(TakeHostKey { meeting: meeting(), offer: [n; 16] }))
}

fn taken(n: u8) -> Result<HttpResponse, ApiErrorCode> {
    Ok(HttpResponse::HostKey(HostKeyTaken { sealed: vec![n; 60] }))
}

fn ask(by: u8, withdraw: bool) -> AskHostKeys {
    let signature = key(by).sign(&host::ask_claim(&meeting(), withdraw)).to_bytes();
    AskHostKeys { meeting: meeting(), host_key: *key(by).verifying_key().as_bytes(), withdraw, signature }
}

/// What the host is told.
fn told(world: &mut World, withdraw: bool) -> Vec<(u8, HostKeyState, u32)> {
    match world.http(HttpRequest::AskHostKeys(Box::new(ask(HOST, withdraw)))) {
        Ok(HttpResponse::HostKeyOffers(told)) => {
            told.offers.into_iter().map(|HostKeyOffer { offer, state, tried, .. }| (offer[0], state, tried)).collect()
        }
        other => panic!("{other:?}"),
    }
}

const GONE: Result<HttpResponse, ApiErrorCode> = Err(ApiErrorCode::NotFound);
const USED: Result<HttpResponse, ApiErrorCode> = Err(ApiErrorCode::Taken);

#[test]
fn one_is_taken_once_and_in_time_and_its_host_is_told() {
    let mut world = World::new();
    assert_eq!((take(&mut world, 1), told(&mut world, false)), (GONE, Vec::new()));
    assert_eq!((send(&mut world, offer(HOST, 1)), send(&mut world, offer(HOST, 2))), (Ok(HttpResponse::Noted), Ok(HttpResponse::Noted)));
    assert_eq!(told(&mut world, false), [(1, HostKeyState::Waiting, 0), (2, HostKeyState::Waiting, 0)]);
    let of_another = HttpRequest::TakeHostKey(TakeHostKey { meeting: MeetingId::from_bytes([8; 16]), offer: [1; 16] });
    assert_eq!(world.http(of_another), GONE);
    assert_eq!((take(&mut world, 1), take(&mut world, 1), take(&mut world, 1)), (taken(1), USED, USED));
    assert_eq!(told(&mut world, false), [(1, HostKeyState::Taken { at: START }, 2), (2, HostKeyState::Waiting, 0)]);
    assert_eq!(send(&mut world, offer(HOST, 1)), Err(ApiErrorCode::Exists), "whoever recorded it cannot leave it again");
    world.stored.values_mut().for_each(|record| record.expires_at = u64::MAX);
    world.pass(limits::HOST_KEY_KEPT);
    assert_eq!((take(&mut world, 2), take(&mut world, 1)), (GONE, GONE));
    assert!(told(&mut world, false).is_empty());
    for (n, when) in [(1, limits::HOST_KEY_KEPT), (3, 4 * limits::HOST_KEY_KEPT)] {
        assert_eq!(send(&mut world, offer_until(HOST, n, START + when.as_secs())), Err(ApiErrorCode::Malformed), "over, or for too long");
    }
}

#[test]
fn those_that_wait_are_taken_back_at_the_host_s_word_and_the_host_is_told_who_tries_them() {
    let mut world = World::new();
    let right = offer(HOST, 1);
    assert_eq!((send(&mut world, right.clone()), send(&mut world, offer(HOST, 2))), (Ok(HttpResponse::Noted), Ok(HttpResponse::Noted)));
    assert_eq!(take(&mut world, 2), taken(2));
    let both = |tried| [(1, HostKeyState::Withdrawn, tried), (2, HostKeyState::Taken { at: START }, 0)];
    assert_eq!(told(&mut world, true), both(0));
    assert_eq!(take(&mut world, 1), GONE);
    assert_eq!(send(&mut world, right), Err(ApiErrorCode::Exists));
    assert_eq!(take(&mut world, 1), GONE);
    assert_eq!(told(&mut world, true), both(2));
}

#[test]
fn there_are_not_too_many_of_one_meeting() {
    let mut world = World::new();
    let mut left = 0;
    // What one block may ask for comes back meanwhile.
    while left < 100 && send(&mut world, offer(HOST, left)) == Ok(HttpResponse::Noted) {
        world.pass(std::time::Duration::from_secs(10));
        left += 1;
    }
    assert_eq!((left, send(&mut world, offer(HOST, left))), (32, Err(ApiErrorCode::Full)));
    assert_eq!(told(&mut world, true).len(), 32);
    assert_eq!(send(&mut world, offer(HOST, left)), Err(ApiErrorCode::Full), "nobody gains room by taking them back");
}

#[test]
fn the_host_alone_leaves_one_takes_them_back_and_is_told() {
    let mut world = World::new();
    let right = offer(HOST, 1);
    for wrong in [
        offer(3, 1),
        OfferHostKey { host_key: right.host_key, ..offer(3, 1) },
        OfferHostKey { sealed: vec![9; 60], ..right.clone() },
        OfferHostKey { offer: [9; 16], ..right.clone() },
        OfferHostKey { expires_at: right.expires_at + 1, ..right.clone() },
    ] {
        assert_eq!(send(&mut world, wrong), Err(ApiErrorCode::NotHost));
    }
    let large = OfferHostKey { sealed: vec![0; limits::SEALED_HOST_KEY + 1], ..right.clone() };
    assert_eq!(send(&mut world, large), Err(ApiErrorCode::TooLarge));
    assert_eq!(send(&mut world, right.clone()), Ok(HttpResponse::Noted));
    assert_eq!(send(&mut world, right), Err(ApiErrorCode::Exists), "nothing is put in its place");
    for wrong in [
        ask(3, true),
        ask(3, false),
        AskHostKeys { host_key: ask(HOST, true).host_key, ..ask(3, true) },
        // What the host signed so that it is told takes nothing back.
        AskHostKeys { withdraw: true, ..ask(HOST, false) },
    ] {
        assert_eq!(world.http(HttpRequest::AskHostKeys(Box::new(wrong))), Err(ApiErrorCode::NotHost));
    }
    assert_eq!(take(&mut world, 1), taken(1));
}
