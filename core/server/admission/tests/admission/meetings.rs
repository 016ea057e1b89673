//! Making and looking up meetings.

use std::time::Duration;

use conclave_admission::{HttpRequest, HttpResponse};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, LookupMeeting, UpdateMeeting};
use conclave_protocol::limits;

use crate::world::{HOST, START, World, create, meeting, update};

#[test]
fn meetings_are_made_once_within_limits_and_not_too_many_at_once() {
    let mut world = World::empty(|config| config.creations = (1, 4));
    assert!(
        matches!(world.http(HttpRequest::Create(create(u64::MAX))), Ok(HttpResponse::Created(made)) if made.expires_at < START + 367 * 86_400)
    );
    assert_eq!(world.http(HttpRequest::Create(create(3600))), Err(ApiErrorCode::Exists));
    assert_eq!(world.http(HttpRequest::Create(create(0))), Err(ApiErrorCode::Malformed));
    let large = CreateMeeting { sealed_meta: vec![0; limits::SEALED_META + 1], ..create(3600) };
    assert_eq!(world.http(HttpRequest::Create(large.clone())), Err(ApiErrorCode::TooLarge));
    assert_eq!(world.http(HttpRequest::Create(large)), Err(ApiErrorCode::Busy));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.http(HttpRequest::Create(create(3600))), Err(ApiErrorCode::Exists));
}

#[test]
fn an_admission_key_that_any_signature_fits_is_refused() {
    let mut world = World::empty(|_| {});
    let mut weak = create(3600);
    weak.admission_key = [0; 32];
    weak.admission_key[0] = 1;
    assert_eq!(world.http(HttpRequest::Create(weak)), Err(ApiErrorCode::Malformed));
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
