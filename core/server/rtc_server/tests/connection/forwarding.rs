//! Real connections to the real forwarder, in one process: str0m on both ends, no socket.

use crate::rig::camera::{CAMERA, Camera, layer, tile, watch};
use crate::rig::{Way, World, attribute, offer_one, section};
use conclave_base::Machine as _;
use conclave_sfu::{Command, Event, ParticipantId, SectionRole, TrackId};
use str0m::media::{Direction, MediaKind};

fn picture(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[2] & 0x7f, payload[3]])
}

#[test]
fn a_camera_is_seen_and_its_layer_changes_without_a_seam() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, _) = watch(&mut world);
    tile(&mut world, watcher, 300, 170);
    camera.play(&mut world, 40);
    let small = world.clients[watcher].packets.len();
    assert!(small >= 35, "{small} packets");
    tile(&mut world, watcher, 1280, 720);
    camera.play(&mut world, 40);

    let packets = &world.clients[watcher].packets;
    assert!(packets[small - 20..small].iter().all(|p| layer(&p.payload) == 0), "the small layer");
    assert!(packets.iter().rev().take(30).all(|p| layer(&p.payload) == 2), "the large layer");
    for pair in packets.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(*after.seq_no, *before.seq_no + 1);
        assert_eq!(picture(&after.payload), picture(&before.payload) + 1);
        assert_eq!(after.payload[4], before.payload[4].wrapping_add(1), "TL0PICIDX");
        let step = after.header.timestamp.wrapping_sub(before.header.timestamp);
        assert!((1..=9000).contains(&step), "{step} ticks");
        if layer(&after.payload) != layer(&before.payload) {
            assert_eq!(after.payload[6] & 1, 0, "the change is at a key frame");
        }
    }
    assert!(camera.key_frames <= 3 + 4, "{} key frames", camera.key_frames);
}

#[test]
fn a_newcomer_sees_at_once_what_came_since_the_last_key_frame() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (first, _) = watch(&mut world);
    camera.play(&mut world, 10);
    assert!(!world.clients[first].packets.is_empty());
    let before = camera.key_frames;
    // Nothing is sent while it connects.
    let (newcomer, _) = watch(&mut world);
    let packets = &world.clients[newcomer].packets;
    assert!(packets.len() >= 5 && packets[0].payload[6] & 1 == 0, "{} packets", packets.len());
    camera.play(&mut world, 10);
    assert_eq!(camera.key_frames, before);
    let numbers: Vec<u64> = world.clients[newcomer].packets.iter().map(|packet| *packet.seq_no).collect();
    assert!(numbers.len() >= 15 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[test]
fn what_is_lost_on_either_side_is_sent_again() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, _) = watch(&mut world);
    tile(&mut world, watcher, 300, 170);
    camera.play(&mut world, 20);
    world.clients[watcher].packets.clear();

    let (mut up, mut down) = (0, 0);
    world.lose = Box::new(move |way, _, bytes| {
        // RTP, not RTCP (RFC 5761, section 4).
        if bytes[0] < 128 || (192..=223).contains(&bytes[1]) {
            return false;
        }
        let count = if way == Way::ToServer { &mut up } else { &mut down };
        *count += 1;
        *count % 17 == 0
    });
    camera.play(&mut world, 200);
    world.lose = Box::new(|_, _, _| false);
    camera.play(&mut world, 20);

    let mut seqs: Vec<u64> = world.clients[watcher].packets.iter().map(|p| *p.seq_no).collect();
    let arrived = seqs.clone();
    seqs.sort_unstable();
    seqs.dedup();
    assert_ne!(arrived, seqs, "some came late");
    assert!(seqs.len() >= 215, "{}", seqs.len());
    assert_eq!(seqs.len() as u64, seqs[seqs.len() - 1] - seqs[0] + 1, "none is missing");
}

#[test]
fn a_path_that_narrows_gets_a_smaller_layer_and_later_the_large_one_again() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    // 64, 480 and 1,600 kbit/s.
    camera.packets = [1, 3, 10];
    let (watcher, _) = watch(&mut world);
    let mut share_of = |world: &mut World, layer_wanted: u8, seconds: u64| {
        camera.play(world, (seconds - 1) * 20);
        world.clients[watcher].packets.clear();
        camera.play(world, 20);
        let packets = &world.clients[watcher].packets;
        packets.iter().filter(|p| layer(&p.payload) == layer_wanted).count() * 100 / packets.len().max(1)
    };
    assert_eq!(share_of(&mut world, 2, 5), 100);

    // A queue of 30 kB that drains at 300 kbit/s and loses what does not fit.
    let (clock, mut queued, mut seen) = (world.clock(), 0, world.now);
    world.lose = Box::new(move |way, client, bytes| {
        if way != Way::ToClient || client != watcher {
            return false;
        }
        queued -= (queued as u128).min((clock.get() - seen).as_millis() * 300 / 8) as usize;
        seen = clock.get();
        let full = queued + bytes.len() > 30_000;
        queued += if full { 0 } else { bytes.len() };
        full
    });
    assert_eq!(share_of(&mut world, 0, 6), 100, "the small layer");
    assert!(world.saw(&Event::Quality { participant: ParticipantId(watcher as u64), quality: conclave_sfu::Quality::Poor }));

    world.lose = Box::new(|_, _, _| false);
    assert_eq!(share_of(&mut world, 2, 25), 100, "the large layer again");
}

#[test]
fn sound_goes_both_ways_and_unused_sections_stay_inactive() {
    let mut world = World::new();
    let (a, b) = (world.add(), world.add());
    let mut mids = Vec::new();
    for (client, other) in [(a, b), (b, a)] {
        let mut api = world.clients[client].rtc.sdp_api();
        let send = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let receive = api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let spare = api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let offer = api.apply().expect("something to offer");
        let own = section(send, SectionRole::Publish { track: TrackId(client as u64), layers: vec![] });
        let theirs = section(receive, SectionRole::Subscribe { track: TrackId(other as u64) });
        let answer = world.negotiate(client, offer, vec![own, theirs, section(spare, SectionRole::Inactive)]);
        assert_eq!(
            (answer.matches("a=recvonly").count(), answer.matches("a=sendonly").count(), answer.matches("a=inactive").count()),
            (1, 1, 1)
        );
        assert!(answer.contains("a=ice-lite") && answer.contains("10.0.0.1 7882"), "{answer}");
        assert!(!answer.contains("ssrc-audio-level") && !answer.contains("red/48000"), "{answer}");
        mids.push(send);
    }
    world.run(500);
    assert!(
        world.saw(&Event::Connected { participant: ParticipantId(0) }) && world.saw(&Event::Connected { participant: ParticipantId(1) })
    );
    for i in 0..50_u32 {
        let now = world.instant();
        for client in [a, b] {
            world.clients[client].send(mids[client], None, (u64::from(i), i * 960), vec![client as u8; 80], now);
        }
        world.run(20);
    }
    for (client, other) in [(a, b), (b, a)] {
        let packets = &world.clients[client].packets;
        assert!(packets.len() >= 49, "{}", packets.len());
        assert!(packets.iter().all(|p| p.payload[0] == other as u8));
    }
}

#[test]
fn messages_pass_both_ways_even_early_and_large_ones() {
    let mut world = World::new();
    let client = world.add();
    let mut api = world.clients[client].rtc.sdp_api();
    api.add_channel("_reliable".into());
    let offer = api.apply().expect("something to offer");
    world.negotiate(client, offer, vec![]);
    world.command(Command::Data { to: ParticipantId(0), reliable: true, payload: b"early".to_vec() });
    world.run(1000);
    world.command(Command::Data { to: ParticipantId(0), reliable: true, payload: vec![7; 60_000] });
    let channel = world.clients[client].channel.expect("open");
    assert!(world.clients[client].rtc.channel(channel).expect("open").write(true, b"hello").expect("written"));
    world.run(1000);
    assert_eq!(world.clients[client].messages, [b"early".to_vec(), vec![7; 60_000]]);
    assert!(world.saw(&Event::Data { participant: ParticipantId(0), reliable: true, payload: b"hello".to_vec() }));
}

#[test]
fn a_decoder_in_need_gets_a_key_frame() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, mid) = watch(&mut world);
    camera.play(&mut world, 20);
    world.clients[watcher].packets.clear();
    camera.play(&mut world, 20);
    assert!(world.clients[watcher].packets.iter().all(|p| p.payload[6] & 1 == 1), "no key frame without need");
    world.clients[watcher].want_key_frame(mid);
    camera.play(&mut world, 20);
    assert_eq!(world.clients[watcher].packets.iter().filter(|p| p.payload[6] & 1 == 0).count(), 1);
}

#[test]
fn a_participant_who_vanishes_is_noticed_and_resumes_by_an_ice_restart() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, mid) = watch(&mut world);
    camera.play(&mut world, 20);
    let gone = Event::Disconnected { participant: ParticipantId(watcher as u64) };
    world.lose = Box::new(move |_, client, _| client == watcher);
    camera.play(&mut world, 20 * 25);
    assert!(world.saw(&gone), "unheard for 25 s");

    world.lose = Box::new(|_, _, _| false);
    world.events.clear();
    world.clients[watcher].packets.clear();
    let mut api = world.clients[watcher].rtc.sdp_api();
    api.ice_restart(true);
    let offer = api.apply().expect("a restart");
    world.negotiate(watcher, offer, vec![section(mid, SectionRole::Subscribe { track: CAMERA })]);
    world.clients[watcher].want_key_frame(mid);
    camera.play(&mut world, 60);
    assert!(world.saw(&Event::Connected { participant: ParticipantId(watcher as u64) }));
    assert!(world.clients[watcher].packets.len() > 20, "{}", world.clients[watcher].packets.len());
}

#[test]
fn a_participant_who_is_heard_again_is_back_though_it_nominates_no_path() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, _) = watch(&mut world);
    let id = ParticipantId(watcher as u64);
    let (gone, back) = (Event::Disconnected { participant: id }, Event::Connected { participant: id });
    world.lose = Box::new(move |way, client, _| way == Way::ToServer && client == watcher);
    camera.play(&mut world, 20 * 25);
    assert!(world.saw(&gone), "unheard for 25 s");

    // As Firefox does, for which the old path still holds.
    world.events.clear();
    world.check_consent(watcher, "of somebody who only claims it");
    assert!(!world.saw(&back), "nobody proved itself");
    let password = attribute(&world.clients[watcher].answer, "ice-pwd").to_owned();
    world.check_consent(watcher, &password);
    assert!(world.saw(&back));

    world.events.clear();
    camera.play(&mut world, 20 * 25);
    assert!(world.saw(&gone), "unheard for 25 s more");
}

#[test]
fn a_section_that_was_inactive_can_be_used_later() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let client = world.add();
    let (mid, offer) = offer_one(&mut world.clients[client], MediaKind::Video, Direction::RecvOnly);
    let answer = world.negotiate(client, offer, vec![section(mid, SectionRole::Inactive)]);
    assert!(answer.contains("a=inactive"), "{answer}");
    world.run(500);
    camera.play(&mut world, 10);
    assert!(world.clients[client].packets.is_empty());

    let mut api = world.clients[client].rtc.sdp_api();
    api.set_direction(mid, Direction::RecvOnly);
    api.add_channel("_lossy".into());
    let offer = api.apply().expect("something to offer");
    let answer = world.negotiate(client, offer, vec![section(mid, SectionRole::Subscribe { track: CAMERA })]);
    assert!(answer.contains("a=sendonly"), "{answer}");
    camera.play(&mut world, 30);
    assert!(world.clients[client].packets.len() > 15, "{}", world.clients[client].packets.len());
}

#[test]
fn rubbish_is_dropped_and_harms_nobody() {
    let mut world = World::new();
    let mut camera = Camera::publish(&mut world);
    let (watcher, _) = watch(&mut world);
    camera.play(&mut world, 10);
    let before = world.clients[watcher].packets.len();
    let mut noise = 1_u32;
    // From the watcher's own address, of every kind that the first byte can announce.
    for len in 0..2000_usize {
        let bytes: Vec<u8> = (0..len % 300)
            .map(|i| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i == 0 { (len % 256) as u8 } else { (noise >> 24) as u8 }
            })
            .collect();
        let src = std::net::SocketAddr::from(([10, 0, 1, watcher as u8], 4000));
        let datagram = conclave_sfu::Input::Datagram { src, dst: crate::rig::server(), bytes: &bytes };
        world.sfu.handle(datagram, world.now).expect("datagrams are not refused");
    }
    camera.play(&mut world, 20);
    assert!(world.clients[watcher].packets.len() >= before + 19);
    assert!(!world.saw(&Event::Closed { participant: ParticipantId(watcher as u64) }));
    assert!(world.sfu.stats().datagrams_dropped > 0);
}
