//! Tracks and data between participants.

use conclave_livekit_proto::proto::data_packet::Value;
use conclave_livekit_proto::proto::signal_request::Message as Request;
use conclave_livekit_proto::proto::signal_response::Message;
use conclave_livekit_proto::proto::{
    DataPacket, MediaSectionsRequirement, MuteTrackRequest, ParticipantUpdate, SessionDescription, UpdateSubscription, UserPacket,
};

use super::world::{Seen, World, description, first_offer, microphone, receiving, sending};
use crate::Conn;

fn answer(messages: Vec<Message>) -> SessionDescription {
    let mut answers = messages.into_iter().filter_map(|m| if let Message::Answer(a) = m { Some(a) } else { None });
    answers.next_back().expect("an answer")
}

fn requirements(messages: &[Message]) -> Vec<(u32, u32)> {
    let wanted = |m: &Message| {
        let Message::MediaSectionsRequirement(MediaSectionsRequirement { num_audios, num_videos }) = m else { return None };
        Some((*num_audios, *num_videos))
    };
    messages.iter().filter_map(wanted).collect()
}

/// Ann sends a microphone; Ben has been asked for an offer.
fn one_to_one() -> (World, Conn, Conn) {
    let mut world = World::new();
    let (ann, ben) = (world.join("ann"), world.join("ben"));
    world.look();
    world.publish(ann, "9", "mic");
    (world, ann, ben)
}

#[test]
fn a_track_is_announced_then_sent_then_received() {
    let (mut world, ann, ben) = one_to_one();
    let seen = world.look();
    let published = seen.iter().find_map(|s| {
        let Seen::Message(to, Message::TrackPublished(p)) = s else { return None };
        (*to == ann).then(|| p.clone())
    });
    let published = published.expect("ann is told that it is published");
    assert_eq!(published.cid, "mic");
    let sid = published.track.expect("info").sid;
    let to_ben: Vec<_> =
        seen.into_iter().filter_map(|s| if let Seen::Message(c, m) = s { (c == ben).then_some(m) } else { None }).collect();
    // A free section is there: the offer needs no more of them.
    assert_eq!(requirements(&to_ben), [(0, 0)]);
    let update = to_ben
        .iter()
        .rev()
        .find_map(|m| if let Message::Update(ParticipantUpdate { participants }) = m { participants.first() } else { None });
    let update = update.expect("ben hears of the track");
    assert_eq!((&*update.tracks[0].sid, &*update.tracks[0].mime_type), (&*sid, "audio/opus"));

    world.send(ben, Request::Offer(description(2, first_offer())));
    let answer = answer(world.messages(ben));
    assert_eq!(answer.id, 2);
    assert_eq!(answer.mid_to_track_id.get("0"), Some(&sid));
    assert!(answer.sdp.contains(&format!("a=mid:0\r\na=msid:{}|camera {sid}\r\na=sendonly", update.sid)), "{}", answer.sdp);
    assert!(!answer.sdp.contains("random"));
}

#[test]
fn who_sends_hears_once_that_somebody_receives() {
    let (mut world, ann, ben) = one_to_one();
    let told = |messages: Vec<Message>| messages.into_iter().filter(|m| matches!(m, Message::TrackSubscribed(_))).count();
    assert_eq!(told(world.messages(ann)), 0, "nobody has a section for it");
    world.send(ben, Request::Offer(description(2, first_offer())));
    assert_eq!(told(world.messages(ann)), 1);
    world.send(ben, Request::Offer(description(3, first_offer())));
    world.join("cid");
    assert_eq!(told(world.messages(ann)), 0, "once");
}

#[test]
fn a_newcomer_gets_what_is_sent_with_the_first_answer() {
    let (mut world, ..) = one_to_one();
    world.look();
    let cid = world.join("cid");
    assert_eq!(answer(world.messages(cid)).mid_to_track_id.len(), 1);
}

#[test]
fn more_tracks_than_sections_are_asked_for() {
    let mut world = World::new();
    let ben = world.join("ben");
    for name in ["a", "b", "c", "d", "e"] {
        let conn = world.join(name);
        world.publish(conn, "9", "mic");
    }
    assert_eq!(requirements(&world.messages(ben)), [(0, 0)], "one question at a time");
    world.send(ben, Request::Offer(description(2, first_offer())));
    assert_eq!(requirements(&world.messages(ben)), [(2, 0)]);
    let more = first_offer() + &receiving("10", "audio") + &receiving("11", "audio");
    world.send(ben, Request::Offer(description(3, more)));
    let messages = world.messages(ben);
    assert_eq!(requirements(&messages), []);
    assert_eq!(answer(messages).mid_to_track_id.len(), 5);
}

#[test]
fn a_section_is_answered_inactive_before_it_carries_another_track() {
    let (mut world, ann, ben) = one_to_one();
    world.send(ben, Request::Offer(description(2, first_offer())));
    // The same section ends, and a new one begins, in one offer.
    world.send(ann, Request::AddTrack(microphone("mic2")));
    world.look();
    let ended = "m=audio 9 x\r\na=mid:9\r\na=inactive\r\n";
    world.send(ann, Request::Offer(description(3, first_offer() + ended + &sending("10", "audio", "mic2"))));
    world.look();
    // Ben offers a single section to receive audio on.
    world.send(ben, Request::Offer(description(3, receiving("0", "audio"))));
    let messages = world.messages(ben);
    assert!(answer(messages.clone()).mid_to_track_id.is_empty());
    assert_eq!(requirements(&messages), [(0, 0)]);
    world.send(ben, Request::Offer(description(4, receiving("0", "audio"))));
    assert_eq!(answer(world.messages(ben)).mid_to_track_id.len(), 1);
}

#[test]
fn an_offer_that_overtakes_the_announcement_is_asked_for_again() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.look();
    let offer = first_offer() + &sending("9", "audio", "mic");
    world.send(ann, Request::Offer(description(2, offer.clone())));
    world.send(ann, Request::AddTrack(microphone("mic")));
    assert_eq!(requirements(&world.messages(ann)), [(0, 0)]);
    world.send(ann, Request::Offer(description(3, offer)));
    let ben = world.join("ben");
    assert_eq!(answer(world.messages(ben)).mid_to_track_id.len(), 1);
}

#[test]
fn muting_is_told_to_the_others() {
    let (mut world, ann, ben) = one_to_one();
    let published = world.messages(ann).into_iter().find_map(|m| if let Message::TrackPublished(p) = m { p.track } else { None });
    let sid = published.expect("published").sid;
    world.send(ann, Request::Mute(MuteTrackRequest { sid, muted: true }));
    let messages = world.messages(ben);
    assert!(matches!(&messages[..], [Message::Update(u)] if u.participants[0].tracks[0].muted));
}

#[test]
fn an_unsubscribed_track_frees_its_section() {
    let (mut world, _ann, ben) = one_to_one();
    world.send(ben, Request::Offer(description(2, first_offer())));
    let answered = answer(world.messages(ben));
    let track_sids = answered.mid_to_track_id.into_values().collect();
    world.send(ben, Request::Subscription(UpdateSubscription { track_sids, subscribe: false, ..Default::default() }));
    assert_eq!(requirements(&world.messages(ben)), [(0, 0)]);
    world.send(ben, Request::Offer(description(3, first_offer())));
    assert!(answer(world.messages(ben)).mid_to_track_id.is_empty());
}

fn packet(sequence: u32, to: &[&str]) -> DataPacket {
    DataPacket {
        sequence,
        participant_identity: "forged".into(),
        destination_identities: to.iter().map(|t| (*t).to_owned()).collect(),
        value: Some(Value::User(UserPacket { payload: vec![1], ..Default::default() })),
        ..Default::default()
    }
}

#[test]
fn data_goes_to_those_named_with_its_true_sender_and_once() {
    let mut world = World::new();
    let ann = world.join("ann");
    world.join("ben");
    world.join("cid");
    world.data(ann, &packet(1, &[]));
    let sent = world.sent();
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [2, 3]);
    assert!(sent.iter().all(|(_, p)| p.participant_identity == "ann" && p.participant_sid.starts_with("PA_")));
    world.data(ann, &packet(1, &[]));
    assert!(world.sent().is_empty(), "a repeated message is dropped");
    world.data(ann, &packet(2, &["cid", "cid", "nobody"]));
    let sent = world.sent();
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [3]);
    assert!(sent[0].1.destination_identities.is_empty());
}
