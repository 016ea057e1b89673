//! Connections on which the server offers.

use crate::rig::World;
use crate::rig::camera::{CAMERA, Camera};
use conclave_sfu::{Command, Event, MediaKind, OfferedSection, ParticipantId};
use str0m::change::SdpOffer;

const WATCHED: OfferedSection = OfferedSection { kind: MediaKind::Video, track: Some(CAMERA) };
const SILENT: OfferedSection = OfferedSection { kind: MediaKind::Video, track: None };

/// Offers to the client, which answers. Gives the offer.
fn offer(world: &mut World, client: usize, sections: &[OfferedSection], restart_ice: bool) -> String {
    let participant = ParticipantId(client as u64);
    world.command(Command::CreateOffer { participant, sections: sections.to_vec(), restart_ice });
    let Some(Event::Offer { sdp, .. }) = world.events.last().cloned() else { panic!("no offer: {:?}", world.events.last()) };
    let parsed = SdpOffer::from_sdp_string(&sdp).expect("an offer that can be read");
    let answer = world.clients[client].rtc.sdp_api().accept_offer(parsed).expect("an offer that can be answered");
    world.command(Command::Answer { participant, sdp: answer.to_sdp_string() });
    assert_eq!(world.events.last(), Some(&Event::Negotiated { participant }));
    world.run(500);
    sdp
}

fn pictures(world: &mut World, client: usize, camera: &mut Camera) -> usize {
    world.clients[client].packets.clear();
    camera.play(world, 20);
    world.clients[client].packets.len()
}

#[test]
fn what_is_offered_is_received_until_it_is_taken_back_and_again() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    camera.play(&mut world, 5);
    let client = world.add();
    let first = offer(&mut world, client, &[WATCHED], false);
    assert!(first.contains("a=ice-lite") && first.contains("a=sendonly") && first.contains("m=application"), "{first}");
    assert!(pictures(&mut world, client, &mut camera) >= 18);
    offer(&mut world, client, &[SILENT], false);
    assert_eq!(pictures(&mut world, client, &mut camera), 0);
    let third = offer(&mut world, client, &[WATCHED, SILENT], false);
    assert!(third.contains("a=sendonly") && third.contains("a=inactive"), "{third}");
    assert!(pictures(&mut world, client, &mut camera) >= 18);
}

#[test]
fn the_channels_are_open_both_ways() {
    let mut world = World::new();
    let client = world.add();
    let participant = ParticipantId(client as u64);
    offer(&mut world, client, &[], false);
    assert!(world.saw(&Event::Connected { participant }));
    world.command(Command::Data { to: participant, reliable: true, payload: b"down".to_vec() });
    world.command(Command::Data { to: participant, reliable: false, payload: b"lossy".to_vec() });
    world.run(100);
    assert_eq!(world.clients[client].messages, [b"down".to_vec(), b"lossy".to_vec()]);
    let channel = world.clients[client].channel.expect("open");
    world.clients[client].rtc.channel(channel).expect("open").write(true, b"up").expect("room");
    world.run(100);
    assert!(world.events.iter().any(|e| matches!(e, Event::Data { payload, .. } if payload == b"up")), "{:?}", world.events);
}

#[test]
fn ice_begins_anew_and_what_was_received_goes_on() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let client = world.add();
    let before = offer(&mut world, client, &[WATCHED], false);
    assert!(pictures(&mut world, client, &mut camera) > 0);
    let after = offer(&mut world, client, &[WATCHED], true);
    let ufrag = |sdp: &str| crate::rig::attribute(sdp, "ice-ufrag").to_owned();
    assert_ne!(ufrag(&before), ufrag(&after));
    assert!(pictures(&mut world, client, &mut camera) >= 18);
    // Its address is known by the new credentials alone.
    world.run(40_000);
    assert!(pictures(&mut world, client, &mut camera) >= 18);
}

#[test]
fn an_answer_that_does_not_fit_is_refused() {
    let mut world = World::new();
    let client = world.add();
    let participant = ParticipantId(client as u64);
    let refused = |world: &mut World, sdp: &str| {
        use conclave_base::Machine as _;
        let answer = Command::Answer { participant, sdp: sdp.to_owned() };
        world.sfu.handle(conclave_sfu::Input::Command(answer), world.now).is_err()
    };
    assert!(refused(&mut world, "v=0\r\n"), "nothing was offered");
    for answer in ["", "hello", &"m=audio\r\n".repeat(500)] {
        world.command(Command::CreateOffer { participant, sections: vec![WATCHED], restart_ice: false });
        assert!(refused(&mut world, answer), "{answer}");
    }
}
