//! Meetings whose makers have a plan.

use std::time::Duration;

use conclave_admission::{ConnectionId, HttpRequest, HttpResponse, MediaCommand, Plan, Quota, Terms};
use conclave_base::{MeetingId, Seq};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, LookupMeeting, MeetingInfo};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, ServerMessage};

use crate::world::{HERE, THERE, World, create, identity, meeting};

const MINUTE: Duration = Duration::from_secs(60);
const FREE: Plan = Plan { people: Some(2), lasts: Some(MINUTE) };

fn planned(plan: Plan) -> World {
    let mut world = World::empty(|_| {});
    world.http(HttpRequest::Create(create(3600), Terms { plan, quota: None })).expect("made");
    world
}

fn look_up(world: &mut World) -> MeetingInfo {
    match world.http(HttpRequest::LookupMeeting(LookupMeeting { meeting: meeting() })) {
        Ok(HttpResponse::Info(info)) => info,
        other => panic!("{other:?}"),
    }
}

/// So much time passes, in which these give signs of life.
fn live(world: &mut World, conns: &[ConnectionId], time: Duration) {
    for _ in 0..10 {
        world.pass(time / 10);
        for conn in conns {
            world.send(*conn, &ClientMessage::Ping);
        }
    }
}

#[test]
fn whoever_looks_a_meeting_up_is_told_its_plan() {
    let info = look_up(&mut planned(FREE));
    assert_eq!((info.limit, info.lasts), (2, Some(60_000)));
    let info = look_up(&mut World::new());
    assert_eq!((info.limit, info.lasts), (200, None));
    let greedy = look_up(&mut planned(Plan { people: Some(u32::MAX), lasts: None }));
    assert_eq!(greedy.limit, 200, "no plan has more than the server");
}

#[test]
fn a_plan_with_fewer_people_is_full_sooner() {
    let mut world = planned(FREE);
    let (_a, _b, c) = (world.enter(1, None), world.enter(2, None), world.enter(3, None));
    assert_eq!(world.closed(c), Some(CloseReason::Full));
}

#[test]
fn when_the_time_of_a_session_is_up_all_are_out_of_log_and_media_and_the_meeting_stays() {
    let mut world = planned(FREE);
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    assert!(matches!(world.append(a, Class::Commit, 0, vec![1]), ServerMessage::Appended { .. }));
    live(&mut world, &[a, b], MINUTE - Duration::from_millis(1));
    assert_eq!((world.closed(a), world.closed(b)), (None, None));
    world.media.clear();
    world.pass(Duration::from_millis(1));
    assert_eq!((world.closed(a), world.closed(b)), (Some(CloseReason::Expired), Some(CloseReason::Expired)));
    for member in [1, 2] {
        assert!(world.media.contains(&MediaCommand::Expel { meeting: meeting(), identity: identity(member) }));
    }
    // Another session, with all of its time, and nothing of the one before.
    let again = world.enter(1, Some(world.position()));
    assert!(matches!(world.received(again)[..], [ServerMessage::Admitted { head: Seq(0), stale: true, .. }]));
    assert!(matches!(world.append(again, Class::Commit, 0, vec![1]), ServerMessage::Appended { seq: Seq(1), .. }));
    live(&mut world, &[again], MINUTE - Duration::from_millis(1));
    assert_eq!(world.closed(again), None);
}

#[test]
fn people_who_come_and_go_do_not_make_a_session_longer() {
    let mut world = planned(FREE);
    let mut last = world.enter(1, None);
    for n in 0..59_u8 {
        world.pass(Duration::from_secs(1));
        last = world.enter(1 + n % 2, None);
    }
    assert_eq!(world.closed(last), None);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.closed(last), Some(CloseReason::Expired));
}

#[test]
fn a_creator_makes_as_many_meetings_as_the_plan_has_and_others_are_not_concerned() {
    let mut world = World::empty(|_| {});
    let mut made = 0;
    let mut make = |world: &mut World, block, creator| {
        made += 1;
        let id = MeetingId::from_bytes([made; 16]);
        let quota = Some(Quota { creator: [creator; 16], a_day: 3 });
        world.http_from(block, HttpRequest::Create(CreateMeeting { meeting: id, ..create(60) }, Terms { plan: FREE, quota }))
    };
    for _ in 0..3 {
        assert!(matches!(make(&mut world, HERE, 1), Ok(HttpResponse::Created(_))));
    }
    assert_eq!(make(&mut world, THERE, 1), Ok(HttpResponse::TooManyMeetings { retry_after: 8 * 3600 }), "from wherever");
    assert!(matches!(make(&mut world, HERE, 2), Ok(HttpResponse::Created(_))), "another creator in the same place");
    world.pass(Duration::from_secs(8 * 3600));
    assert!(matches!(make(&mut world, HERE, 1), Ok(HttpResponse::Created(_))), "as it was told");
    world.orders_away = true;
    assert_eq!(make(&mut world, HERE, 3), Err(ApiErrorCode::Unavailable), "what cannot be counted is not made");
}
