//! The older form, with a connection to send on and one to receive on.

use conclave_livekit_proto::proto::leave_request::Action;
use conclave_livekit_proto::proto::participant_info::State;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    DataPacket, DisconnectReason, SessionDescription, SignalTarget, TrickleRequest, UpdateSubscription, UserPacket, data_packet::Value,
};
use conclave_livekit_proto::{Access, Grants};

use super::world::{Seen, World, description, microphone, sending};
use crate::{Conn, Input};

/// As LiveKit's Go SDK asks.
const GO: &str = "version=2&protocol=16&&auto_subscribe=1&sdk=go&os=linux";

fn join(world: &mut World, identity: &str) -> Conn {
    world.connect(&World::access(identity), GO)
}

fn offers(messages: &[Message]) -> Vec<&SessionDescription> {
    messages.iter().filter_map(|m| if let Message::Offer(offer) = m { Some(offer) } else { None }).collect()
}

/// Answers an offer, as its number.
fn answer(world: &mut World, conn: Conn, id: u32) {
    world.send(conn, Request::Answer(SessionDescription { r#type: "answer".into(), sdp: "v=0\r\n".into(), id, ..Default::default() }));
}

/// Announces a microphone and offers it, alone but for its connection's channels.
fn publish(world: &mut World, conn: Conn) {
    world.send(conn, Request::AddTrack(microphone("mic")));
    world.send(conn, Request::Offer(description(0, sending("0", "audio", "mic"))));
}

/// Go receives what Ann sends.
fn one_to_one() -> (World, Conn, Conn) {
    let mut world = World::new();
    let ann = world.join("ann");
    world.publish(ann, "9", "mic");
    let go = join(&mut world, "go");
    answer(&mut world, go, 0);
    (world, ann, go)
}

#[test]
fn a_newcomer_is_offered_what_is_sent_and_told_to_wait_for_that() {
    let mut world = World::new();
    let ann = world.join("ann");
    let sid = world.publish_once(ann);
    let go = join(&mut world, "go");
    let messages = world.messages(go);
    let Some(Message::Join(join)) = messages.first() else { panic!("no join response") };
    assert!(join.subscriber_primary && join.fast_publish);
    let offers = offers(&messages);
    assert_eq!((offers.len(), offers[0].id, &*offers[0].r#type), (1, 1, "offer"));
    assert_eq!(offers[0].mid_to_track_id.get("s0"), Some(&sid));
    let named = format!("a=mid:s0\r\na=msid:{}|{sid} {sid}\r\na=sendonly", world.sid("ann"));
    assert!(offers[0].sdp.contains(&named) && !offers[0].sdp.contains("random"), "{}", offers[0].sdp);
}

#[test]
fn it_is_active_once_it_can_receive_and_who_sends_hears_of_it() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.publish(ann, "9", "mic");
    let go = join(&mut world, "go");
    world.send(go, Request::Offer(description(0, "m=application 9 x\r\na=mid:0\r\n")));
    let is_active =
        |m: &Message| matches!(m, Message::Update(u) if u.participants[0].identity == "go" && u.participants[0].state() == State::Active);
    assert!(!world.messages(ann).iter().any(is_active), "it can only send");
    answer(&mut world, go, 1);
    let told = world.messages(ann);
    assert!(told.iter().any(is_active) && told.iter().any(|m| matches!(m, Message::TrackSubscribed(_))), "{told:?}");
}

#[test]
fn it_sends_as_others_do() {
    let mut world = World::new();
    let (ann, go) = (world.join("ann"), join(&mut world, "go"));
    world.look();
    publish(&mut world, go);
    let seen = world.look();
    assert!(seen.iter().any(|s| matches!(s, Seen::Message(c, Message::Answer(_)) if *c == go)));
    let asked = |s: &Seen| matches!(s, Seen::Message(c, Message::MediaSectionsRequirement(_)) if *c == ann);
    assert!(seen.iter().any(asked), "ann is to offer a section for it");
}

#[test]
fn one_offer_waits_for_the_answer_to_the_one_before() {
    let (mut world, ..) = one_to_one();
    let go = join(&mut world, "another");
    world.look();
    for name in ["ben", "cid"] {
        let conn = world.join(name);
        world.publish(conn, "9", "mic");
    }
    assert!(offers(&world.messages(go)).is_empty());
    answer(&mut world, go, 1);
    let messages = world.messages(go);
    assert_eq!(offers(&messages)[0].mid_to_track_id.len(), 3);
    answer(&mut world, go, 1);
    assert!(world.messages(go).is_empty(), "an answer to an earlier offer says nothing");
    answer(&mut world, go, 2);
    answer(&mut world, go, 2);
    assert!(offers(&world.messages(go)).is_empty(), "all is agreed on");
}

#[test]
fn a_section_is_offered_inactive_before_it_carries_another_track() {
    let (mut world, ann, go) = one_to_one();
    world.look();
    world.send(ann, Request::AddTrack(microphone("mic2")));
    let ended = "m=audio 9 x\r\na=mid:9\r\na=inactive\r\n";
    world.send(ann, Request::Offer(description(3, ended.to_owned() + &sending("10", "audio", "mic2"))));
    let tracks = |world: &World, nth: usize| world.offers[nth].0.iter().map(|section| section.track.is_some()).collect::<Vec<_>>();
    assert_eq!((world.offers.len(), tracks(&world, 1)), (2, vec![false]));
    answer(&mut world, go, 0);
    assert_eq!((world.offers.len(), tracks(&world, 2)), (3, vec![true]), "it has been silent once");
    answer(&mut world, go, 0);
    world.send(ann, Request::AddTrack(microphone("mic3")));
    world.send(ann, Request::Offer(description(4, ended.to_owned() + &sending("10", "audio", "mic2") + &sending("11", "audio", "mic3"))));
    assert_eq!((world.offers.len(), tracks(&world, 3)), (4, vec![true, true]));
}

#[test]
fn a_section_does_not_go_from_one_track_to_another_in_one_offer() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.publish(ann, "9", "mic");
    let go = join(&mut world, "go");
    world.send(ann, Request::AddTrack(microphone("mic2")));
    let ended = "m=audio 9 x\r\na=mid:9\r\na=inactive\r\n";
    world.send(ann, Request::Offer(description(3, ended.to_owned() + &sending("10", "audio", "mic2"))));
    answer(&mut world, go, 0);
    let tracks: Vec<_> = world.offers[1].0.iter().map(|section| section.track.is_some()).collect();
    assert_eq!(tracks, [false, true]);
}

#[test]
fn what_is_not_wanted_is_taken_back() {
    let (mut world, ann, go) = one_to_one();
    let track_sids = vec![world.publish_once(ann)];
    world.send(go, Request::Subscription(UpdateSubscription { track_sids: track_sids.clone(), subscribe: false, ..Default::default() }));
    assert_eq!(world.offers.last().map(|(sections, _)| sections[0].track), Some(None));
    answer(&mut world, go, 0);
    world.send(go, Request::Subscription(UpdateSubscription { track_sids, subscribe: true, ..Default::default() }));
    assert!(world.offers.last().is_some_and(|(sections, _)| sections.len() == 1 && sections[0].track.is_some()));
}

#[test]
fn candidates_go_to_the_connection_that_they_name() {
    let mut world = World::new();
    let go = join(&mut world, "go");
    for (target, candidate) in [(SignalTarget::Publisher, "one"), (SignalTarget::Subscriber, "two")] {
        let candidate_init = format!(r#"{{"candidate":"{candidate}"}}"#);
        world.send(go, Request::Trickle(TrickleRequest { candidate_init, target: target.into(), ..Default::default() }));
    }
    assert_eq!(world.candidates, [(1, "one".to_owned()), (2, "two".to_owned())]);
}

#[test]
fn words_come_from_the_connection_that_sends_and_go_to_the_one_that_receives() {
    let (mut world, ann, go) = one_to_one();
    let packet = DataPacket { value: Some(Value::User(UserPacket { payload: vec![1], ..Default::default() })), ..Default::default() };
    world.data(ann, &packet);
    world.data(go, &packet);
    let sent: Vec<_> = world.sent().into_iter().map(|(to, packet)| (to, packet.participant_identity)).collect();
    // Connections in order: ann, go's to send on, go's to receive on.
    assert_eq!(sent, [(3, "ann".to_owned()), (1, "go".to_owned())]);
}

#[test]
fn who_comes_back_gets_the_offer_that_it_has_not_answered_and_ice_begins_anew() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.publish(ann, "9", "mic");
    let go = join(&mut world, "go");
    let missed = offers(&world.messages(go))[0].clone();
    world.input(Input::SignalClosed { conn: go });
    let sid = world.sid("go");
    let again = world.connect(&World::access("go"), &format!("{GO}&reconnect=1&sid={sid}"));
    let messages = world.messages(again);
    assert!(matches!(messages[0], Message::Reconnect(_)), "{:?}", messages[0]);
    assert_eq!(offers(&messages), [&missed]);
    answer(&mut world, again, 1);
    assert_eq!(world.offers.iter().map(|(_, restart_ice)| *restart_ice).collect::<Vec<_>>(), [false, true]);
    answer(&mut world, again, 2);
    assert_eq!(offers(&world.messages(again)).len(), 1);
    // In the other form nobody comes back to it.
    let other = world.join_as(
        &World::access("go"),
        &conclave_livekit_proto::proto::JoinRequest { reconnect: true, participant_sid: sid, ..Default::default() },
    );
    assert_eq!(world.messages(other), [super::super::join::leave(Action::Reconnect, DisconnectReason::StateMismatch)]);
}

#[test]
fn who_may_not_receive_has_one_connection() {
    let mut world = World::new();
    let grants = Grants { can_subscribe: Some(false), ..Grants::member("room".into()) };
    let go = world.connect(&Access { grants, ..World::access("go") }, GO);
    let messages = world.messages(go);
    assert!(matches!(&messages[0], Message::Join(join) if !join.subscriber_primary) && world.offers.is_empty());
    answer(&mut world, go, 0);
    assert!(matches!(world.look()[..], [Seen::Closed(..)]), "an answer to a server that does not offer");
}

#[test]
fn an_answer_that_does_not_fit_ends_the_participation() {
    let mut world = World::new();
    let go = join(&mut world, "go");
    world.look();
    world.send(go, Request::Answer(SessionDescription { sdp: "a=bad".into(), ..Default::default() }));
    assert!(world.look().contains(&Seen::Left("go".into())));
    assert!(world.livekit.participants() == 0 && world.livekit.subscribers.is_empty());
}
