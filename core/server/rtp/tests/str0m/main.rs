//! What we seal, str0m opens, and the other way round: an implementation that shares no line with ours, but for AES itself.

mod peers;
mod rtcp;

use std::time::Duration;

use conclave_rtp::{Kind, OpenRefused, Outgoing, Packet, Profile, Role, TAG};
use peers::{Pair, keys};
use str0m::Event;
use str0m::media::{MediaKind, Mid};
use str0m::rtp::{ExtensionValues, RawPacket, RtpHeader, RtpPacket, RtpWrite, Ssrc};

const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];
const SSRC: u32 = 0x1234_5678;

/// Payloads of all lengths, and no two alike.
fn payload(number: u64) -> Vec<u8> {
    (0..number * 7 % 1100 + 1).map(|at| (number ^ (at * 31)) as u8).collect()
}

/// Late by up to four places, in a way that differs from packet to packet.
fn shuffled<T>(mut packets: Vec<T>) -> Vec<T> {
    for at in (4..packets.len()).step_by(5) {
        packets.swap(at, at - at % 4);
    }
    packets
}

fn raw(event: &Event) -> Option<(&RtpHeader, &[u8])> {
    let Event::RawPacket(packet) = event else { return None };
    if let RawPacket::RtpTx(header, payload) = &**packet { Some((header, payload)) } else { None }
}

#[test]
fn what_str0m_seals_we_open_over_the_roll_over_out_of_order_and_with_losses() {
    for profile in PROFILES {
        let mut pair = Pair::connected(profile, true);
        let (mut opener, _) = keys(profile, Role::Server);
        let mid: Mid = "vid".into();
        let mut api = pair.left.rtc.direct_api();
        api.declare_media(mid, MediaKind::Video);
        api.declare_stream_tx(Ssrc::from(SSRC), None, mid, None).set_unpaced(true);
        let pt = pair.left.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).expect("VP8").pt();
        let mut plain = Vec::new();
        for number in 65_300_u64..66_200 {
            let marker = number % 9 == 0;
            let write = RtpWrite::new(pt, number.into(), number as u32 * 300, pair.now, payload(number)).marker(marker);
            pair.left.rtc.direct_api().stream_tx(&Ssrc::from(SSRC)).expect("declared").write_rtp(write);
            pair.step(Duration::from_millis(2));
            plain.extend(
                pair.left.events.drain(..).filter_map(|event| raw(&event).map(|(header, payload)| (header.clone(), payload.to_vec()))),
            );
        }
        let sealed: Vec<_> = std::mem::take(&mut pair.left.sent).into_iter().filter(|d| Kind::of(d) == Kind::Rtp).collect();
        let together: Vec<_> = sealed.into_iter().zip(plain).collect();
        assert!(together.len() >= 900, "{} packets", together.len());
        let mut opened_count = 0;
        for (place, (datagram, (header, plain))) in shuffled(together).into_iter().enumerate() {
            if place % 10 == 3 {
                continue;
            }
            let packet = Packet::read(&datagram).expect("a header");
            let mut out = [0; 1500];
            let opened = opener.open(&packet, &mut out).expect("it is proved");
            // It tells of the whole packet, as it was before sealing.
            assert_eq!([packet.header(), &out[..opened.len]].concat(), plain[..packet.header().len() + opened.len]);
            assert_eq!(plain.len() + TAG, datagram.len());
            assert_eq!((packet.marker, packet.timestamp, packet.ssrc), (header.marker, header.timestamp, *header.ssrc));
            assert_eq!((packet.payload_type, packet.seq), (*header.payload_type, header.sequence_number));
            if packet.ssrc == SSRC {
                let near = opened.number;
                assert!((65_300..66_200).contains(&near), "{near} is not what was sent");
                assert_eq!(&out[..opened.len], self::payload(near));
                opened_count += 1;
            }
            let values = &header.ext_vals;
            let number = values.transport_cc.map(u16::to_be_bytes);
            assert!(number.is_none_or(|number| packet.extensions().any(|(_, value)| value == number)), "the number of the transport");
            assert!(values.mid.is_none_or(|mid| packet.extensions().any(|(_, value)| value == mid.as_bytes())), "the section");
            assert_eq!(opener.open(&packet, &mut out), Err(OpenRefused::Replayed));
        }
        assert!(opened_count >= 800, "{opened_count}");
    }
}

#[test]
fn what_we_seal_str0m_opens_over_the_roll_over_out_of_order_and_with_losses() {
    for profile in PROFILES {
        let mut pair = Pair::connected(profile, true);
        let (_, mut sealer) = keys(profile, Role::Client);
        let mid: Mid = "vid".into();
        let mut api = pair.right.rtc.direct_api();
        api.declare_media(mid, MediaKind::Video);
        api.expect_stream_rx(Ssrc::from(SSRC), None, mid, None);
        let pt = pair.right.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).expect("VP8").pt();
        let stream = sealer.add_stream(SSRC).expect("the first");
        let mut datagrams = Vec::new();
        for number in 65_300_u64..66_200 {
            let transport = (number as u16).to_be_bytes();
            // 3 and 4 are what str0m maps to the transport's numbers and to the section by itself; 14 it does not know.
            let all: [(u8, &[u8]); 3] = [(3, &transport), (4, b"vid"), (14, b"sixteen and more")];
            let header = Outgoing {
                marker: number % 9 == 0,
                payload_type: *pt,
                timestamp: number as u32 * 300,
                extensions: &all[..number as usize % 4],
                padding: if number % 3 == 0 { number as u8 } else { 0 },
            };
            let mut out = [0; 1500];
            let payload = payload(number);
            let (front, back) = payload.split_at(payload.len() / 2);
            let len = sealer.claim(stream, number).expect("fresh").seal(&header, &[front, back], &mut out).expect("room");
            datagrams.push((number, out[..len].to_vec()));
        }
        pair.right.events.clear();
        let mut wanted = Vec::new();
        for (place, (number, datagram)) in shuffled(datagrams).into_iter().enumerate() {
            if place % 10 == 3 {
                continue;
            }
            wanted.push(number);
            pair.right.receive(&datagram, pair.now);
            pair.step(Duration::from_millis(2));
        }
        let packets: Vec<RtpPacket> = pair
            .right
            .events
            .drain(..)
            .filter_map(|event| if let Event::RtpPacket(packet) = event { Some(packet) } else { None })
            .collect();
        let numbers: Vec<u64> = packets.iter().map(|packet| *packet.seq_no).collect();
        assert_eq!(numbers, wanted);
        for RtpPacket { seq_no, header, payload, .. } in packets {
            let number = *seq_no;
            assert_eq!(payload[..], self::payload(number));
            assert_eq!((header.marker, header.timestamp), (number.is_multiple_of(9), number as u32 * 300));
            let ExtensionValues { transport_cc, mid, .. } = header.ext_vals;
            assert_eq!(transport_cc, (number % 4 > 0).then_some(number as u16));
            assert_eq!(mid, (number % 4 > 1).then_some("vid".into()));
        }
    }
}
