//! Making and looking up meetings.

use std::time::Duration;

use conclave_admission::{HttpRequest, HttpResponse};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting};
use conclave_protocol::limits;

use crate::world::{START, World, create};

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
