//! A connection against a plain str0m answerer, in one process on virtual time.

use std::time::Duration;

use str0m::change::SdpOffer;

use super::*;

const HERE: &str = "127.0.0.1:4001";
const THERE: &str = "127.0.0.1:4002";

struct Pair {
    connection: Connection,
    other: Rtc,
    clock: InstantOrigin,
    now: Time,
    events: Vec<Event>,
    heard: Vec<(RtcMid, Vec<u8>)>,
    asked: usize,
}

impl Pair {
    fn new() -> Self {
        Self::of(false)
    }

    fn of(packets: bool) -> Self {
        let now = Time::from_millis(1_000);
        let clock = InstantOrigin::starting(now);
        let config = Config { addresses: vec![HERE.parse().expect("address")], vp9: true, packets };
        let mut other =
            RtcConfig::new().clear_codecs().enable_opus(true, false).enable_vp8(true).enable_vp9(true).build(clock.instant(now));
        other.add_local_candidate(Candidate::host(THERE.parse().expect("address"), Protocol::Udp).expect("host"));
        Self { connection: Connection::new(&config, now), other, clock, now, events: vec![], heard: vec![], asked: 0 }
    }

    fn negotiate(&mut self, change: &Change) -> Vec<Mid> {
        let offer = self.connection.offer(change).expect("offer");
        let offered = SdpOffer::from_sdp_string(&offer.sdp).expect("SDP");
        let answer = self.other.sdp_api().accept_offer(offered).expect("acceptable");
        self.connection.accept(&answer.to_sdp_string()).expect("answer");
        offer.sends
    }

    /// Lets `span` pass, moving datagrams both ways each millisecond.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(1);
            let Ok(()) = self.connection.handle(Input::Timeout, self.now);
            let instant = self.clock.instant(self.now);
            self.other.handle_input(RtcInput::Timeout(instant)).expect("timeout");
            loop {
                match self.connection.poll() {
                    Polled::Output(Output::Datagram(Datagram { src, dst, bytes })) => {
                        let receive = Receive::new(Protocol::Udp, src, dst, &bytes).expect("datagram");
                        self.other.handle_input(RtcInput::Receive(instant, receive)).expect("input");
                        self.drain_other();
                    }
                    Polled::Output(Output::Event(event)) => self.events.push(event),
                    Polled::Idle(_) => break,
                }
            }
            self.drain_other();
        }
    }

    fn drain_other(&mut self) {
        loop {
            match self.other.poll_output().expect("alive") {
                RtcOutput::Timeout(_) => return,
                RtcOutput::Transmit(t) => {
                    let Ok(()) =
                        self.connection.handle(Input::Datagram { src: t.source, dst: t.destination, bytes: &t.contents }, self.now);
                }
                RtcOutput::Event(RtcEvent::MediaData(data)) => self.heard.push((data.mid, data.data.to_vec())),
                RtcOutput::Event(RtcEvent::KeyframeRequest(_)) => self.asked += 1,
                RtcOutput::Event(_) => {}
            }
        }
    }

    fn frames(&self) -> Vec<Vec<u8>> {
        self.events.iter().filter_map(|e| if let Event::Frame(f) = e { Some(f.bytes.to_vec()) } else { None }).collect()
    }
}

/// Looks random, but is the same every time: stands for sealed bytes.
fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .collect()
}

/// Sealed frames of the shapes that members send: 1 clear byte, on key frames of VP8 10.
fn sealed(codec: Codec, n: u32) -> Vec<u8> {
    let mut frame = noise(n, if n.is_multiple_of(10) { 9_000 } else { 1_500 });
    match codec {
        Codec::Opus => frame.truncate(120),
        Codec::Vp8 if n.is_multiple_of(10) => frame[..10].copy_from_slice(&[0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]),
        Codec::Vp8 => frame[0] = 0x31,
        Codec::Vp9 => frame[0] = if n.is_multiple_of(10) { 0x82 } else { 0x86 },
    }
    frame
}

#[test]
fn a_connection_for_packets_sends_those_that_it_is_given_and_no_frames() {
    let mut pair = Pair::of(true);
    let send = vec![SendTrack { kind: Kind::Video, track: "t".into(), rids: vec![] }];
    let [mid] = pair.negotiate(&Change { send, channels: true, ..Change::default() })[..] else { panic!("one section") };
    let packet = |seq: u64, payload: &[u8]| SentPacket { seq, rtp_time: 9_000, marker: seq == 2, payload: payload.into() };
    let early = pair.connection.send_packet(mid, None, Codec::Vp8, packet(1, &[0x10, 0x31]), pair.now);
    assert_eq!(early, Err(SendError::NotReady), "not connected yet");
    pair.run(Duration::from_secs(2));
    let frame = [&[0x50, 0x2d, 0x01, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01][..], &noise(1, 1_500)].concat();
    // A descriptor (RFC 7741) stands before each half of the frame.
    for (seq, start, half) in [(1, 0x10, &frame[..800]), (2, 0x00, &frame[800..])] {
        let payload = [&[start], half].concat();
        pair.connection.send_packet(mid, None, Codec::Vp8, packet(seq, &payload), pair.now).expect("agreed");
    }
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.heard.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), [&frame]);
    assert_eq!(pair.connection.send(mid, None, Codec::Vp8, 9_000, &frame, pair.now), Err(SendError::NotReady));
    assert!(!pair.connection.request_key_frame(mid), "there is nobody to ask, and it does not break");
}

#[test]
fn sealed_frames_arrive_byte_for_byte() {
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9] {
        let mut pair = Pair::new();
        let kind = if codec == Codec::Opus { Kind::Audio } else { Kind::Video };
        let mids = pair.negotiate(&Change {
            send: vec![SendTrack { kind, track: "t".into(), rids: vec![] }],
            channels: true,
            ..Change::default()
        });
        pair.run(Duration::from_secs(2));
        assert!(pair.events.iter().any(|e| matches!(e, Event::Connected)), "connected");
        let step = u64::from(codec.clock_rate()) / 50;
        let sent: Vec<_> = (0..100).map(|n| sealed(codec, n)).collect();
        for (n, frame) in sent.iter().enumerate() {
            pair.connection.send(mids[0], None, codec, n as u64 * step, frame, pair.now).expect("sent");
            pair.run(Duration::from_millis(20));
        }
        pair.run(Duration::from_millis(500));
        let heard: Vec<_> = pair.heard.iter().map(|(_, bytes)| bytes.clone()).collect();
        assert!(heard.len() >= 98, "{codec:?}: {} of 100 arrived", heard.len());
        assert!(sent.ends_with(&heard) || sent.starts_with(&heard), "{codec:?}: bytes changed on the way");
    }
}

#[test]
fn sealed_frames_are_handed_out_byte_for_byte_and_key_frames_can_be_asked_for() {
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9] {
        let mut pair = Pair::new();
        pair.negotiate(&Change { receive_audio: 1, receive_video: 1, channels: true, ..Change::default() });
        pair.run(Duration::from_secs(2));
        let mid = pair.connection.receives.iter().find(|(_, k)| k.is_audio() == (codec == Codec::Opus)).expect("section").0;
        let step = u64::from(codec.clock_rate()) / 50;
        let sent: Vec<_> = (0..100).map(|n| sealed(codec, n)).collect();
        for (n, frame) in sent.iter().enumerate() {
            let instant = pair.clock.instant(pair.now);
            let writer = pair.other.writer(mid).expect("writer");
            let pt = writer.payload_params().find(|p| codec_of(p.spec().codec) == Some(codec)).expect("codec").pt();
            let rate = Frequency::new(codec.clock_rate()).expect("rate");
            writer.write(pt, instant, MediaTime::new(n as u64 * step, rate), frame.clone()).expect("written");
            pair.run(Duration::from_millis(20));
        }
        pair.run(Duration::from_millis(500));
        let frames = pair.frames();
        assert!(frames.len() >= 98, "{codec:?}: {} of 100 arrived", frames.len());
        assert!(sent.ends_with(&frames) || sent.starts_with(&frames), "{codec:?}: bytes changed on the way");
        if codec != Codec::Opus {
            assert!(pair.connection.request_key_frame(Mid(mid)));
            pair.run(Duration::from_millis(50));
            assert_eq!(pair.asked, 1);
        }
    }
}

#[test]
fn data_goes_through_the_channels_and_ice_restarts() {
    let mut pair = Pair::new();
    pair.negotiate(&Change { receive_audio: 1, channels: true, ..Change::default() });
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.connection.send_data(Channel::Reliable, b"hello"), Ok(()));
    pair.negotiate(&Change { restart_ice: true, receive_audio: 1, ..Change::default() });
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.connection.send_data(Channel::Lossy, b"again"), Ok(()));
    assert!(!pair.events.iter().any(|e| matches!(e, Event::Closed)));
}

#[test]
fn an_offer_can_be_made_when_nothing_changes() {
    let mut pair = Pair::new();
    let wanted = Change { receive_audio: 2, receive_video: 2, channels: true, ..Change::default() };
    pair.negotiate(&wanted);
    assert!(pair.connection.offer(&wanted).is_ok());
    assert!(matches!(pair.connection.offer(&wanted), Err(OfferError::Pending)));
    assert!(matches!(pair.connection.accept("garbage"), Err(AnswerError::Unusable(_))));
}

#[test]
fn an_abandoned_offer_leaves_nothing_behind() {
    let mut pair = Pair::new();
    pair.negotiate(&Change { receive_audio: 1, channels: true, ..Change::default() });
    pair.run(Duration::from_secs(2));
    pair.connection.offer(&Change { receive_audio: 5, ..Change::default() }).expect("offer");
    pair.connection.abandon_offer();
    pair.negotiate(&Change { receive_audio: 2, restart_ice: true, ..Change::default() });
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.connection.receives.len(), 2);
    assert_eq!(pair.connection.send_data(Channel::Reliable, b"hello"), Ok(()));
}
