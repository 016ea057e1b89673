//! The same for RTCP, message by message.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{InstantOrigin, Time};
use conclave_rtp::rtcp::{Block, Compound, Message, SenderInfo, Status, TICK, Writer};
use conclave_rtp::{Arrivals, Kind, Outgoing, Role};
use str0m::Event;
use str0m::media::{KeyframeRequestKind, MediaKind, Mid};
use str0m::rtp::rtcp::{ReceptionReport, Rtcp, Twcc};
use str0m::rtp::{RawPacket, RtpWrite, Ssrc};

use crate::peers::{Pair, Peer, keys};
use crate::{PROFILES, SSRC};

fn received(peer: &mut Peer) -> VecDeque<Rtcp> {
    let raw = |event| if let Event::RawPacket(packet) = event { Some(*packet) } else { None };
    let rtcp = |packet| if let RawPacket::RtcpRx(rtcp) = packet { Some(rtcp) } else { None };
    peer.events.drain(..).filter_map(raw).filter_map(rtcp).collect()
}

fn sent(peer: &mut Peer) -> VecDeque<Rtcp> {
    let raw = |event| if let Event::RawPacket(packet) = event { Some(*packet) } else { None };
    let rtcp = |packet| if let RawPacket::RtcpTx(rtcp) = packet { Some(rtcp) } else { None };
    peer.events.drain(..).filter_map(raw).filter_map(rtcp).collect()
}

fn is_same_block(ours: Block, theirs: &ReceptionReport) -> bool {
    ours.ssrc == *theirs.ssrc
        && ours.fraction_lost == theirs.fraction_lost
        && ours.lost.cast_unsigned() & 0xff_ffff == theirs.packets_lost & 0xff_ffff
        && (ours.highest, ours.jitter) == (theirs.max_seq, theirs.jitter)
        && (ours.last_report, ours.delay) == (theirs.last_sr_time, theirs.last_sr_delay)
}

/// What str0m makes of feedback, in our terms.
fn statuses(twcc: Twcc) -> Vec<Status> {
    let zero = InstantOrigin::starting(Time::ZERO).instant(Time::ZERO);
    let all = twcc.into_iter(zero, u64::from(u16::MAX / 2).into());
    all.map(|(seq, _, arrived)| Status { seq: *seq as u16, arrived: arrived.map(|at| (at - zero).as_micros() as i64 / TICK) }).collect()
}

/// Whether both read the same; whatever we skip is the same.
fn is_same(ours: Message<'_>, theirs: Rtcp) -> bool {
    match (ours, theirs) {
        (Message::SenderReport { ssrc, info, blocks }, Rtcp::SenderReport(report)) => {
            let theirs = report.sender_info;
            ssrc == *theirs.ssrc
                && info.timestamp == theirs.rtp_time.numer() as u32
                && (info.packets, info.octets) == (theirs.sender_packet_count, theirs.sender_octet_count)
                && blocks.clone().count() == report.reports.len()
                && blocks.zip(report.reports.iter()).all(|(ours, theirs)| is_same_block(ours, theirs))
        }
        (Message::ReceiverReport { ssrc, blocks }, Rtcp::ReceiverReport(report)) => {
            ssrc == *report.sender_ssrc
                && blocks.clone().count() == report.reports.len()
                && blocks.zip(report.reports.iter()).all(|(ours, theirs)| is_same_block(ours, theirs))
        }
        (Message::Nack { sender, media, lost }, Rtcp::Nack(nack)) => {
            let theirs = nack.reports.iter().flat_map(|entry| entry.into_iter(u64::from(entry.pid).into())).map(|seq| *seq as u16);
            (sender, media) == (*nack.sender_ssrc, *nack.ssrc) && lost.eq(theirs)
        }
        (Message::Pli { sender, media }, Rtcp::Pli(pli)) => (sender, media) == (*pli.sender_ssrc, *pli.ssrc),
        (Message::Fir { sender, requests }, Rtcp::Fir(fir)) => {
            sender == *fir.sender_ssrc && requests.eq(fir.reports.iter().map(|entry| (*entry.ssrc, entry.seq_no)))
        }
        (Message::TransportWide(feedback), Rtcp::Twcc(twcc)) => {
            (feedback.sender, feedback.media, feedback.number) == (*twcc.sender_ssrc, *twcc.ssrc, twcc.feedback_count)
                && feedback.collect::<Vec<_>>() == statuses(twcc)
        }
        (Message::Goodbye { ssrcs }, Rtcp::Goodbye(bye)) => ssrcs.eq(bye.reports.iter().map(|ssrc| **ssrc)),
        (Message::Other, Rtcp::SourceDescription(_) | Rtcp::ExtendedReport(_) | Rtcp::Remb(_) | Rtcp::AppSpecificFeedback(_)) => true,
        _ => false,
    }
}

#[test]
fn what_we_write_str0m_reads() {
    for profile in PROFILES {
        let mut pair = Pair::connected(profile, true);
        let (_, mut sealer) = keys(profile, Role::Client);
        pair.right.events.clear();
        let mut arrivals = Arrivals::default();
        for round in 0..200_u32 {
            // Packets in runs, alone, out of order and late by seconds.
            for n in 0..round % 90 {
                let seq = (round * 90 + n) as u16;
                let at = u64::from(round) * 100_000 + u64::from(n) * 900 + if n % 17 == 3 { 400_000 } else { 0 };
                if n % 11 != 4 && (round % 3 != 0 || n % 5 == 0) {
                    arrivals.on_packet(seq, Time::from_micros(at));
                }
            }
            let mut bytes = [0; 1200];
            let mut writer = Writer::new(&mut bytes);
            let block = |n: u32| Block {
                ssrc: n,
                fraction_lost: n as u8,
                lost: n.cast_signed() * 50 - 100,
                highest: n << 16,
                jitter: n * 7,
                last_report: n * 9,
                delay: n * 11,
            };
            let blocks: Vec<Block> = (0..round % 4).map(block).collect();
            let info =
                SenderInfo { ntp: 0xe800_0000_0000_0000 | u64::from(round), timestamp: round * 3000, packets: round, octets: round * 1000 };
            writer.sender_report(1, &info, &blocks).expect("room");
            writer.description(1, &b"some of a name"[..round as usize % 15]).expect("room");
            writer.receiver_report(2, &blocks).expect("room");
            // str0m reads 31 words at most.
            writer.nack(1, SSRC, (0..round % 36).map(|n| (round + n * n) as u16)).expect("room");
            writer.pli(1, SSRC).expect("room");
            writer.fir(1, SSRC, round as u8).expect("room");
            if arrivals.is_pending() {
                arrivals.write(1, SSRC, &mut writer).expect("room");
            }
            writer.goodbye(77).expect("room");
            let len = writer.len();
            let mut sealed = [0; 1300];
            let sealed_len = sealer.seal_rtcp(&bytes[..len], &mut sealed).expect("room");
            pair.right.receive(&sealed[..sealed_len], pair.now);
            let theirs = received(&mut pair.right);
            let ours: Vec<_> = Compound::read(&bytes[..len]).map(|message| message.expect("well-formed")).collect();
            // An empty NACK is none.
            let ours: Vec<_> = ours.into_iter().filter(|m| !matches!(m, Message::Nack { lost, .. } if lost.clone().count() == 0)).collect();
            let theirs: Vec<_> = theirs.into_iter().filter(|m| !matches!(m, Rtcp::Nack(nack) if nack.reports.is_empty())).collect();
            assert_eq!(ours.len(), theirs.len(), "{ours:?}\n{theirs:?}");
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                assert!(is_same(ours.clone(), theirs.clone()), "{ours:?}\n{theirs:?}");
            }
        }
    }
}

#[test]
fn what_str0m_writes_we_read() {
    for profile in PROFILES {
        let mut pair = Pair::connected(profile, true);
        // The right one receives from us, in the place of the left one, and sends as well.
        let (mut opener, mut sealer) = keys(profile, Role::Client);
        let mid: Mid = "vid".into();
        let own = Ssrc::from(99);
        let mut api = pair.right.rtc.direct_api();
        api.enable_twcc_feedback();
        api.declare_media(mid, MediaKind::Video);
        api.expect_stream_rx(Ssrc::from(SSRC), None, mid, None);
        api.declare_stream_tx(own, None, mid, None).set_unpaced(true);
        let pt = pair.right.rtc.codec_config().find(|p| p.spec().codec == str0m::format::Codec::Vp8).expect("VP8").pt();
        let stream = sealer.add_stream(SSRC).expect("the first");
        pair.right.events.clear();
        let (mut kinds, mut theirs) = ([0; 6], VecDeque::new());
        for number in 0_u64..3_000 {
            let transport = (number as u16).to_be_bytes();
            let header =
                Outgoing { payload_type: *pt, timestamp: number as u32 * 300, extensions: &[(3, &transport)], ..Outgoing::default() };
            let mut out = [0; 1500];
            let len = sealer.claim(stream, number).expect("fresh").seal(&header, &[&[1; 500]], &mut out).expect("room");
            if number % 13 != 5 {
                pair.right.receive(&out[..len], pair.now);
            }
            if number % 10 == 0 {
                let write = RtpWrite::new(pt, (number / 10).into(), number as u32, pair.now, [2; 300]);
                pair.right.rtc.direct_api().stream_tx(&own).expect("declared").write_rtp(write);
            }
            if number % 100 == 0 {
                let mut api = pair.right.rtc.direct_api();
                api.stream_rx(&Ssrc::from(SSRC)).expect("declared").request_keyframe(KeyframeRequestKind::Pli);
            }
            pair.step(Duration::from_micros(1_000 + number % 7 * 700));
            for datagram in std::mem::take(&mut pair.right.sent).into_iter().filter(|d| Kind::of(d) == Kind::Rtcp) {
                let mut bytes = [0; 1500];
                let len = opener.open_rtcp(&datagram, &mut bytes).expect("it is proved");
                theirs.extend(sent(&mut pair.right));
                for message in Compound::read(&bytes[..len]) {
                    let ours = message.unwrap_or_else(|_| panic!("malformed: {:02x?}", &bytes[..len]));
                    let theirs = theirs.pop_front().expect("it was sent");
                    let kind = match ours {
                        Message::SenderReport { .. } => 0,
                        Message::ReceiverReport { .. } => 1,
                        Message::Nack { .. } => 2,
                        Message::TransportWide(_) => 3,
                        Message::Pli { .. } => 4,
                        Message::Fir { .. } | Message::Goodbye { .. } | Message::Other => 5,
                    };
                    kinds[kind] += 1;
                    assert!(is_same(ours.clone(), theirs.clone()), "{ours:?}\n{theirs:?}");
                }
            }
        }
        assert!(kinds.iter().all(|count| *count > 0), "SR, RR, NACK, feedback, PLI, others: {kinds:?}");
    }
}
