//! The forwarder over a transport without network.

mod fake;

use conclave_base::Machine as _;
use conclave_sfu::{
    Command, CommandError, Event, Input, ParticipantId, Quality, Rid, RoomId, Section, SectionRole, TrackId, TrackSettings,
};
use fake::{World, client, mid, publish, server, subscribe};

const CAMERA: [(&str, u32, u32); 3] = [("q", 320, 180), ("h", 640, 360), ("f", 1280, 720)];

/// Participant 1 publishes camera 10 with streams 100 (q), 101 (h), 102 (f) flowing; participant 2 receives it on stream 7.
fn simulcast() -> World {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &CAMERA)]);
    world.join(2, vec![subscribe("7", 10)]);
    for (stream, rid) in [(100, "q"), (101, "h"), (102, "f")] {
        world.says(1, &format!("stream {stream} 0 {rid}"));
    }
    world
}

/// A round of packets, one per layer, a tenth of a second later. `key` names the streams that start a key frame.
fn round(world: &mut World, n: u64, key: &[u64]) -> Vec<String> {
    let mut out = world.wait(100);
    for stream in 100..=102 {
        let kind = if key.contains(&stream) { "key" } else { "delta" };
        out.extend(world.says(1, &format!("rtp {stream} {kind} {} {}", stream * 1000 + n, stream + n * 9000)));
    }
    out
}

fn forwarded(out: &[String]) -> Vec<&str> {
    out.iter().filter_map(|o| o.strip_prefix("2: rtp 7 ")).collect()
}

#[test]
fn sound_reaches_the_room_and_nobody_else() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[])]);
    world.join(2, vec![subscribe("7", 10)]);
    world.join_room(3, 2, vec![]);
    let refused = world.sfu.handle(
        Input::Command(Command::Offer { participant: ParticipantId(3), sdp: "u3".into(), sections: vec![subscribe("7", 10)] }),
        world.now,
    );
    assert_eq!(refused, Err(CommandError::BadTrack), "the track is in another room");

    world.says(1, "stream 100 0");
    assert_eq!(world.says(1, "rtp 100 opus 500 48000"), ["2: rtp 7 1 48000"]);
    assert_eq!(world.says(1, "rtp 100 opus 501 48960"), ["2: rtp 7 2 48960"]);
    assert_eq!((world.sfu.stats().packets_in, world.sfu.stats().packets_out), (2, 2));
}

#[test]
fn a_subscription_may_come_before_its_track() {
    let mut world = World::new();
    world.join(2, vec![subscribe("7", 10)]);
    world.join(1, vec![publish("0", 10, &[])]);
    world.says(1, "stream 100 0");
    assert_eq!(world.says(1, "rtp 100 opus 500 48000"), ["2: rtp 7 1 48000"]);
}

#[test]
fn the_layer_changes_at_a_key_frame_and_the_stream_goes_on() {
    let mut world = simulcast();
    world.tile(2, 10, 160, 90);
    let out = round(&mut world, 1, &[100, 101, 102]);
    assert_eq!(forwarded(&out), ["1 9100"], "the small layer for the small tile");

    world.wait(500);
    let asked = world.tile(2, 10, 1280, 720);
    assert_eq!(asked, ["1: pli 102"], "the large layer is asked for a key frame");
    let out = round(&mut world, 2, &[]);
    assert_eq!(forwarded(&out), ["2 18100"], "until it comes the old one goes on");
    let out = round(&mut world, 3, &[102]);
    assert_eq!(forwarded(&out), ["3 27100", "4 27101"], "in the round of the change both fit, one tick apart");
    let out = round(&mut world, 4, &[]);
    assert_eq!(forwarded(&out), ["5 36101"], "and then only the new one, its timestamps shifted");
}

#[test]
fn key_frames_are_asked_for_with_measure_until_they_come() {
    let mut world = simulcast();
    round(&mut world, 1, &[]);
    let mut asked = 0;
    for n in 2..32 {
        asked += round(&mut world, n, &[]).iter().filter(|o| *o == "1: pli 102").count();
        asked += world.says(2, "pli 7").iter().filter(|o| *o == "1: pli 102").count();
    }
    assert!((9..=10).contains(&asked), "{asked} in three seconds");
    let came = round(&mut world, 32, &[102]);
    assert_eq!(forwarded(&came).len(), 1);
    let mut later = Vec::new();
    for n in 33..48 {
        later.extend(round(&mut world, n, &[]));
    }
    assert!(!later.iter().any(|o| o.contains("pli")), "satisfied");
}

#[test]
fn one_lost_request_is_made_good_without_the_subscriber() {
    let mut world = simulcast();
    round(&mut world, 1, &[102]);
    let pli = |out: Vec<String>| out.iter().filter(|o| *o == "1: pli 102").count();
    assert_eq!(pli(world.says(2, "pli 7")), 1);
    assert_eq!((2..6).map(|n| pli(round(&mut world, n, &[]))).sum::<usize>(), 1, "it did not come within 300 ms");
    assert_eq!(forwarded(&round(&mut world, 6, &[102])).len(), 1);
    assert_eq!((7..20).map(|n| pli(round(&mut world, n, &[]))).sum::<usize>(), 0, "it came");
}

#[test]
fn a_layer_that_the_publisher_leaves_out_is_replaced() {
    let mut world = simulcast();
    round(&mut world, 1, &[100, 101, 102]);
    let mut out = Vec::new();
    for n in 2..30 {
        out = world.wait(100);
        let kind = if n == 25 { "key" } else { "delta" };
        out.extend(world.says(1, &format!("rtp 101 {kind} {} {}", 101_000 + n, n * 9000)));
    }
    assert_eq!(forwarded(&out).len(), 1, "the middle layer has taken over");
}

#[test]
fn a_narrow_path_gets_a_smaller_layer_and_says_so() {
    let mut world = simulcast();
    let mut n = 0;
    let mut play = |world: &mut World, rounds: u64| {
        let mut last = Vec::new();
        for _ in 0..rounds {
            n += 1;
            last = world.wait(100);
            // The large layer has a hundred packets where the others have one; all begin key frames.
            for (stream, packets) in [(100, 1), (101, 10), (102, 100)] {
                for p in 0..packets {
                    last.extend(world.says(1, &format!("rtp {stream} key {} {}", n * 100 + p, n * 9000)));
                }
            }
        }
        forwarded(&last).len()
    };
    assert_eq!(play(&mut world, 20), 100);
    // 3 bytes a packet: 240, 2,400 and 24,000 bits per second.
    world.says(2, "estimate 6000");
    assert_eq!(play(&mut world, 20), 10);
    assert!(world.events.contains(&Event::Quality { participant: ParticipantId(2), quality: Quality::Poor }));
    world.says(2, "estimate 1000000");
    assert_eq!(play(&mut world, 5), 10, "not raised at once");
    assert_eq!(play(&mut world, 60), 100);
    assert_eq!(world.events.last(), Some(&Event::Quality { participant: ParticipantId(2), quality: Quality::Good }));
}

#[test]
fn the_publisher_learns_which_layers_are_wanted() {
    let rid = |text| Rid::new(text).expect("a rid");
    let wanted = |h, f| Event::LayersWanted {
        participant: ParticipantId(1),
        track: TrackId(10),
        layers: vec![(rid("q"), true), (rid("h"), h), (rid("f"), f)],
    };
    let mut world = simulcast();
    world.tile(2, 10, 600, 340);
    world.events.clear();
    world.wait(4000);
    assert_eq!(world.events, [], "patience");
    world.wait(2000);
    assert_eq!(world.events, [wanted(true, false)]);
    world.tile(2, 10, 1280, 720);
    world.wait(200);
    assert_eq!(world.events.last(), Some(&wanted(true, true)), "more is wanted at once");
    world.command(Command::Close { participant: ParticipantId(2) });
    world.wait(6000);
    assert_eq!(world.events.last(), Some(&wanted(false, false)), "nobody watches");
}

#[test]
fn a_muted_track_is_not_forwarded_and_comes_back_without_a_seam() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[])]);
    world.join(2, vec![subscribe("7", 10)]);
    world.says(1, "stream 100 0");
    world.says(1, "rtp 100 opus 500 48000");
    world.command(Command::Mute { track: TrackId(10), muted: true });
    assert_eq!(world.says(1, "rtp 100 opus 501 48960"), [""; 0]);
    world.wait(1000);
    world.command(Command::Mute { track: TrackId(10), muted: false });
    assert_eq!(world.says(1, "rtp 100 opus 550 99999"), ["2: rtp 7 2 96000"]);
}

#[test]
fn a_tile_that_is_not_shown_gets_nothing_and_catches_up_when_it_is() {
    let mut world = simulcast();
    let hidden = TrackSettings { enabled: false, width: 0, height: 0 };
    world.command(Command::TrackSettings { participant: ParticipantId(2), track: TrackId(10), settings: hidden });
    assert_eq!(forwarded(&round(&mut world, 1, &[100, 101, 102])), [""; 0]);
    assert_eq!(forwarded(&world.tile(2, 10, 0, 0)), ["1 9102"], "from the last key frame on");
    assert_eq!(forwarded(&round(&mut world, 2, &[])), ["2 18102"]);
}

/// Participant 1 sends a picture of one layer, a packet every tenth of a second, the first of a key frame: so many, and so many seconds of nothing after.
fn picture(room_for: usize, packets: u64) -> World {
    let mut world = World::with_room_for(room_for);
    world.join(1, vec![publish("0", 10, &[])]);
    world.says(1, "stream 100 0");
    for n in 0..packets {
        world.says(1, &format!("rtp 100 {} {} {}", if n == 0 { "key" } else { "delta" }, 500 + n, n * 9000));
        world.wait(100);
    }
    world
}

fn asked(out: &[String]) -> usize {
    out.iter().filter(|o| *o == "1: pli 100").count()
}

#[test]
fn a_newcomer_gets_what_came_since_the_last_key_frame_faster_than_it_came() {
    let mut world = picture(4, 12);
    world.join(2, vec![subscribe("7", 10)]);
    let mut out = world.wait_by(5, 205);
    let times: Vec<String> = (0..12).map(|n| format!("{} {}", n + 1, n * 9000)).collect();
    let got = forwarded(&out).len();
    assert!((1..6).contains(&got) && forwarded(&out)[..] == times[..got], "{out:?}");
    out.extend(world.wait_by(5, 400));
    assert_eq!((forwarded(&out).into_iter().map(str::to_owned).collect::<Vec<_>>(), asked(&out)), (times, 0));
    assert_eq!(forwarded(&world.says(1, "rtp 100 delta 512 200000")), ["13 200000"], "it has caught up");
}

#[test]
fn twenty_newcomers_at_once_cost_one_key_frame_at_most() {
    for (packets, most) in [(12, 0), (25, 1)] {
        let mut world = picture(30, packets);
        let before = world.sfu.stats().key_frames_requested;
        for id in 2..=21 {
            world.join(id, vec![subscribe("7", 10)]);
        }
        let out = world.wait_by(5, 100);
        if asked(&out) > 0 || most > 0 {
            world.says(1, "rtp 100 key 600 900000");
        }
        let out = world.wait_by(5, 1000);
        assert!(world.sfu.stats().key_frames_requested - before <= most, "{}", world.sfu.stats().key_frames_requested - before);
        assert!(most == 1 || (2..=21).all(|id| out.iter().any(|o| o.starts_with(&format!("{id}: rtp 7 ")))), "{out:?}");
    }
}

#[test]
fn fifty_newcomers_in_ten_seconds_cost_a_key_frame_every_two_seconds() {
    let mut world = picture(60, 1);
    let mut number = 501;
    let before = world.sfu.stats().key_frames_requested;
    let mut given = before;
    for id in 2..=51 {
        world.join(id, vec![subscribe("7", 10)]);
        for _ in 0..2 {
            let asked = world.sfu.stats().key_frames_requested;
            let kind = if std::mem::replace(&mut given, asked) < asked { "key" } else { "delta" };
            world.says(1, &format!("rtp 100 {kind} {number} {}", number * 9000));
            number += 1;
            world.wait(100);
        }
    }
    let cost = world.sfu.stats().key_frames_requested - before;
    assert!((3..=5).contains(&cost), "{cost}");
}

#[test]
fn what_was_shown_is_not_sent_again_when_a_picture_is_shown_again() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[])]);
    world.join(2, vec![subscribe("7", 10)]);
    world.says(1, "stream 100 0");
    assert_eq!(forwarded(&world.says(1, "rtp 100 key 500 0")), ["1 0"]);
    let hidden = TrackSettings { enabled: false, width: 0, height: 0 };
    world.command(Command::TrackSettings { participant: ParticipantId(2), track: TrackId(10), settings: hidden });
    world.says(1, "rtp 100 delta 501 9000");
    let out = world.tile(2, 10, 0, 0);
    assert_eq!((forwarded(&out).len(), asked(&out)), (0, 1), "its receiver opens nothing twice");
}

#[test]
fn a_receiver_that_cannot_decode_gets_a_new_key_frame() {
    let mut world = picture(4, 3);
    world.join(2, vec![subscribe("7", 10)]);
    world.wait_by(5, 400);
    assert_eq!(asked(&world.says(2, "pli 7")), 1);
}

#[test]
fn who_catches_up_on_one_picture_does_not_wait_with_another() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[]), publish("1", 11, &[])]);
    world.says(1, "stream 100 0");
    world.says(1, "stream 200 1");
    world.join(2, vec![subscribe("7", 11)]);
    world.says(1, "rtp 200 key 1 0");
    for n in 0..15 {
        world.says(1, &format!("rtp 100 {} {} {}", if n == 0 { "key" } else { "delta" }, 500 + n, n * 9000));
        world.wait(100);
    }
    world.offer(2, vec![subscribe("7", 11), subscribe("8", 10)]);
    world.wait_by(5, 50);
    assert_eq!(world.says(1, "rtp 200 delta 2 9000"), ["2: rtp 7 2 9000"]);
    let rest = world.wait_by(5, 500);
    assert!(rest.len() > 5 && rest.iter().all(|o| o.starts_with("2: rtp 8 ")), "{rest:?}");
}

/// Participant 1 sends sound and a picture to 2 and 3.
fn sound_and_picture() -> World {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[]), publish("1", 11, &[])]);
    for id in [2, 3] {
        world.join(id, vec![subscribe("7", 10), subscribe("8", 11)]);
    }
    world.says(1, "stream 100 0");
    world.says(1, "stream 200 1");
    world.says(1, "rtp 200 opus 1 0");
    world
}

/// One frame of so many packets of 1,200 bytes, all at once.
fn burst(world: &mut World, packets: u64) -> Vec<String> {
    let kind = |n| if n == 0 { "large-key" } else { "large" };
    (0..packets).flat_map(|n| world.says(1, &format!("rtp 100 {} {} 0", kind(n), 500 + n))).collect()
}

/// How many packets of the picture are for `to`.
fn pictures(out: &[String], to: u64) -> usize {
    out.iter().filter(|o| o.starts_with(&format!("{to}: rtp 7 "))).count()
}

#[test]
fn a_burst_leaves_bit_by_bit_and_sound_does_not_wait_for_it() {
    let mut world = sound_and_picture();
    let mut out = burst(&mut world, 390);
    assert_eq!((pictures(&out, 2), pictures(&out, 3)), (40, 40), "48 kB at once");
    assert_eq!(world.says(1, "rtp 200 opus 2 960"), ["2: rtp 8 2 960", "3: rtp 8 2 960"]);
    for _ in 0..80 {
        let now = world.wait_by(5, 5);
        assert!(pictures(&now, 2) <= 10 && pictures(&now, 3) <= 10, "{}", pictures(&now, 2));
        out.extend(now);
    }
    for to in [2, 3] {
        let numbers: Vec<u64> =
            out.iter().filter_map(|o| o.strip_prefix(&format!("{to}: rtp 7 "))?.split(' ').next()?.parse().ok()).collect();
        assert_eq!(numbers, (1..=390).collect::<Vec<_>>());
    }
}

#[test]
fn what_does_not_come_in_bursts_is_never_held() {
    let mut world = sound_and_picture();
    let mut number = 500;
    for frame in 0..60 {
        for n in 0..24 {
            let kind = if frame == 0 && n == 0 { "large-key" } else { "large" };
            let out = world.says(1, &format!("rtp 100 {kind} {number} {}", frame * 3000));
            assert_eq!(out.len(), 2, "frame {frame}, packet {n}: {out:?}");
            number += 1;
        }
        world.wait_by(33, 33);
    }
}

#[test]
fn a_repair_and_a_probe_are_never_held_and_what_is_new_waits_for_them() {
    let mut world = sound_and_picture();
    burst(&mut world, 390);
    let lost: Vec<String> = (1..=20).map(|seq| seq.to_string()).collect();
    let out = world.says(2, &format!("nack 7 {}", lost.join(" ")));
    assert_eq!(out.iter().filter(|o| o.starts_with("2: again 7 ")).count(), 20, "{out:?}");
    let out = world.says(2, "probe 7 3");
    assert_eq!(out.iter().filter(|o| o.starts_with("2: probe 7 ")).count(), 3, "{out:?}");
    let mut world = sound_and_picture();
    burst(&mut world, 30);
    world.says(2, &format!("nack 7 {}", lost.join(" ")));
    let out = world.says(1, "rtp 100 large 530 0");
    assert_eq!((pictures(&out, 2), pictures(&out, 3)), (0, 1));
}

#[test]
fn a_section_that_changes_its_track_keeps_its_stream_whole() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[]), publish("1", 11, &[])]);
    world.join(2, vec![subscribe("7", 10)]);
    world.says(1, "stream 100 0");
    world.says(1, "stream 200 1");
    world.says(1, "rtp 100 opus 500 48000");
    world.offer(2, vec![subscribe("7", 11)]);
    assert_eq!(world.says(1, "rtp 100 opus 501 48960"), [""; 0]);
    assert_eq!(world.says(1, "rtp 200 opus 9 5"), ["2: rtp 7 2 48001"]);
    world.offer(2, vec![Section { mid: mid("7"), role: SectionRole::Inactive }]);
    assert_eq!(world.says(1, "rtp 200 opus 10 965"), [""; 0]);
}

#[test]
fn what_is_unpublished_or_left_falls_silent() {
    let mut world = simulcast();
    world.command(Command::Unpublish { track: TrackId(10) });
    assert_eq!(forwarded(&round(&mut world, 1, &[100, 101, 102])), [""; 0]);
    let bye = world.command(Command::Close { participant: ParticipantId(1) });
    assert_eq!(bye, ["1: bye"]);
    let dropped = world.sfu.stats().datagrams_dropped;
    world.says(1, "rtp 100 key 1 1");
    assert_eq!(world.sfu.stats().datagrams_dropped, dropped + 1);
}

#[test]
fn malformed_and_unknown_packets_are_counted_and_dropped() {
    let mut world = simulcast();
    world.says(1, "rtp 102 cut 1 1");
    world.says(1, "rtp 999 key 1 1");
    assert_eq!(world.sfu.stats().packets_dropped, 2);
    world.datagram(1, b"nonsense");
    world.datagram(99, b"rtp 100 key 1 1");
    world.datagram(99, &[]);
    assert_eq!(world.sfu.stats().datagrams_dropped, 3);
}

#[test]
fn only_so_many_streams_of_a_track_are_known() {
    let mut world = simulcast();
    for i in 0..10 {
        world.says(1, &format!("stream {} 0 x{i}", 300 + i));
        world.says(1, &format!("rtp {} key 1 1", 300 + i));
    }
    assert_eq!(world.sfu.stats().packets_dropped, 9, "one unannounced layer fits, no more");
}

#[test]
fn messages_wait_for_their_channel_in_order() {
    let mut world = World::new();
    world.join(1, vec![]);
    let message = |reliable, text: &str| Command::Data { to: ParticipantId(1), reliable, payload: text.into() };
    assert_eq!(world.command(message(true, "a")), [""; 0]);
    assert_eq!(world.command(message(false, "lost")), [""; 0]);
    assert_eq!(world.command(message(true, "b")), [""; 0]);
    assert_eq!(world.says(1, "channel"), ["1: Reliable a", "1: Reliable b"]);
    assert_eq!(world.command(message(true, "c")), ["1: Reliable c"]);
    assert_eq!(world.command(message(true, "d")), [""; 0], "no room");
    assert_eq!(world.says(1, "room"), ["1: Reliable d"]);
    assert_eq!(world.sfu.stats().messages_dropped, 1);
    world.says(1, "message hello");
    assert_eq!(world.events.last(), Some(&Event::Data { participant: ParticipantId(1), reliable: true, payload: b"hello".to_vec() }));
}

#[test]
fn a_queue_that_nobody_empties_is_bounded() {
    let mut world = World::new();
    world.join(1, vec![]);
    let message = || Input::Command(Command::Data { to: ParticipantId(1), reliable: true, payload: vec![0] });
    let taken = (0..1000).take_while(|_| world.sfu.handle(message(), world.now).is_ok()).count();
    assert_eq!(taken, 64);
    assert_eq!(world.sfu.handle(message(), world.now), Err(CommandError::ChannelFull));
    let large = Command::Data { to: ParticipantId(1), reliable: true, payload: vec![0; 101] };
    assert_eq!(world.sfu.handle(Input::Command(large), world.now), Err(CommandError::MessageTooLarge));
}

#[test]
fn a_participant_may_come_back_from_another_address() {
    let mut world = simulcast();
    world.says(2, "down");
    assert_eq!(world.events.last(), Some(&Event::Disconnected { participant: ParticipantId(2) }));
    world.stun(2, 55);
    let out = round(&mut world, 1, &[102]);
    assert!(out.contains(&"55: rtp 7 1 9102".to_owned()), "{out:?}");
    world.datagram(55, b"up");
    assert!(world.events.contains(&Event::Connected { participant: ParticipantId(2) }));
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    let mut world = World::new();
    world.join(1, vec![publish("0", 10, &[])]);
    let mut refused = |command| world.sfu.handle(Input::Command(command), world.now).expect_err("refused");
    let open = |id| Command::Open { participant: ParticipantId(id), room: RoomId(1) };
    let offer = |id, sections| Command::Offer { participant: ParticipantId(id), sdp: "u".into(), sections };
    assert_eq!(refused(open(1)), CommandError::ParticipantExists);
    assert_eq!(refused(offer(9, vec![])), CommandError::NoParticipant);
    assert_eq!(refused(Command::Close { participant: ParticipantId(9) }), CommandError::NoParticipant);
    assert_eq!(refused(offer(1, vec![publish("0", 10, &[]), publish("1", 10, &[])])), CommandError::BadTrack);
    let many = [("a", 1, 1), ("b", 1, 1), ("c", 1, 1), ("d", 1, 1), ("e", 1, 1)];
    assert_eq!(refused(offer(1, vec![publish("0", 12, &many)])), CommandError::BadTrack);
    let empty = Command::Offer { participant: ParticipantId(1), sdp: String::new(), sections: vec![] };
    assert!(matches!(refused(empty), CommandError::Description(_)));
    for id in 2..=4 {
        world.command(open(id));
    }
    assert_eq!(world.sfu.handle(Input::Command(open(5)), world.now), Err(CommandError::TooManyParticipants));
    assert_ne!(client(1), server());
}

#[test]
fn what_a_subscriber_lost_is_found_where_it_came_from() {
    let mut world = simulcast();
    world.tile(2, 10, 160, 90);
    round(&mut world, 1, &[100, 101, 102]);
    world.wait(500);
    world.tile(2, 10, 1280, 720);
    round(&mut world, 2, &[102]);
    let out = round(&mut world, 3, &[]);
    assert_eq!(forwarded(&out), ["4 27101"]);
    // Of the small layer, of the large one, and never sent.
    assert_eq!(world.says(2, "nack 7 1 3 9 65535"), ["2: again 7 1 9100", "2: again 7 3 18101"]);
    assert_eq!(world.says(2, "nack 8 1"), [""; 0], "not its stream");
    world.wait(1100);
    assert_eq!(world.says(2, "nack 7 4"), [""; 0], "nobody waits for it any more");
}

#[test]
fn whoever_asks_for_more_than_can_wait_gets_no_more() {
    let mut world = simulcast();
    round(&mut world, 1, &[102]);
    let asked = "nack 7".to_owned() + &" 1".repeat(5000);
    assert_eq!(world.says(2, &asked).len(), 1024);
}

#[test]
fn a_path_is_probed_with_the_last_packets() {
    let mut world = simulcast();
    assert_eq!(world.says(2, "probe 7 3"), [""; 0], "there are none");
    for n in 1..5 {
        round(&mut world, n, &[102]);
    }
    assert_eq!(world.says(2, "probe 7 3"), ["2: probe 7 4 36102", "2: probe 7 3 27102", "2: probe 7 2 18102"]);
    world.wait(2000);
    assert_eq!(world.says(2, "probe 7 3"), [""; 0], "all are old");
}

#[test]
fn a_layer_that_becomes_another_stream_goes_on_at_its_key_frame() {
    let mut world = simulcast();
    round(&mut world, 1, &[102]);
    assert_eq!(world.says(1, "stream 103 0 f"), [""; 0]);
    // Its numbers lie below those of the former one.
    let delta = world.says(1, "rtp 103 delta 101989 500000");
    assert_eq!((forwarded(&delta).len(), delta.iter().filter(|o| *o == "1: pli 103").count()), (0, 1), "{delta:?}");
    let key = world.says(1, "rtp 103 key 101990 503000");
    assert_eq!(forwarded(&key).len(), 1, "{key:?}");
    assert!(forwarded(&key)[0].starts_with("2 "), "{key:?}");
    // The number that the lost one had on the former stream.
    world.says(1, "rtp 103 delta 102001 506000");
    assert_eq!(world.says(2, "nack 7 1"), [""; 0], "what the former one sent is gone");
}
