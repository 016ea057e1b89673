//! One outgoing stream: what was sent on it, what may be sent again, and what its receiver is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use conclave_base::{Codec, Time};
use conclave_rtp::rtcp::SenderInfo;
use conclave_rtp::{StreamId, nearest};
use conclave_sfu::{Mid, Vp8Numbers};

use super::clock::ntp;
use super::negotiated::{ExtensionIds, PayloadType};

/// Packets that may be asked for again: about a second of a large picture.
const KEPT_PACKETS: usize = 1024;
/// Later than this no receiver waits for a packet any more.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// Bytes that may be sent again, of those that are sent: when each lost packet loses a frame and all that refer to it, many are worth it, but whoever
/// asks for everything over and over gets no more than this.
const REPAIR_SHARE: usize = 2;
/// Packets that bandwidth is probed with.
const MOST_RECENT: usize = 32;
/// Bytes of repairs that may be saved up.
const MOST_SAVED: usize = 128 * 1024;

/// A packet under its new header, not sealed.
#[derive(Debug, Clone)]
pub(super) struct Unsealed {
    pub(super) number: u64,
    pub(super) timestamp: u32,
    pub(super) recorded: Time,
    pub(super) marker: bool,
    pub(super) codec: Codec,
    pub(super) vp8: Option<Vp8Numbers>,
    pub(super) payload: Arc<[u8]>,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) mid: Mid,
    pub(super) ssrc: u32,
    pub(super) cname: String,
    pub(super) types: Vec<PayloadType>,
    pub(super) extensions: ExtensionIds,
    /// The receiver has shown that it knows the SSRC.
    pub(super) is_known: bool,
    /// Set once there are keys.
    pub(super) id: Option<StreamId>,
    pub(super) repairs: Option<Repairs>,
    sent: SenderInfo,
    /// Timestamp of the newest packet, and the moment that it stands for.
    newest: Option<(u64, u32, Time, u32)>,
    /// Packets when last told.
    told: u32,
    kept: VecDeque<Kept>,
    saved: usize,
}

/// The stream that repairs another one (RFC 4588).
#[derive(Debug)]
pub(super) struct Repairs {
    pub(super) ssrc: u32,
    pub(super) id: Option<StreamId>,
    next: u64,
}

#[derive(Debug)]
struct Kept {
    packet: Unsealed,
    sent: Time,
    repaired: Option<Time>,
}

impl Outgoing {
    pub(super) fn new(mid: Mid, ssrc: u32, repairs: Option<u32>, cname: String) -> Self {
        Self {
            mid,
            ssrc,
            cname,
            types: Vec::new(),
            extensions: ExtensionIds::default(),
            is_known: false,
            id: None,
            repairs: repairs.map(|ssrc| Repairs { ssrc, id: None, next: 1 }),
            sent: SenderInfo::default(),
            newest: None,
            told: 0,
            kept: VecDeque::new(),
            saved: MOST_SAVED,
        }
    }

    pub(super) fn payload_type(&self, codec: Codec) -> Option<PayloadType> {
        self.types.iter().find(|pt| pt.codec == codec).copied()
    }

    /// A packet leaves for the first time.
    pub(super) fn on_sent(&mut self, packet: Unsealed, now: Time) {
        let len = packet.payload.len();
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.octets = self.sent.octets.wrapping_add(len as u32);
        if self.newest.is_none_or(|(number, ..)| number < packet.number) {
            self.newest = Some((packet.number, packet.timestamp, packet.recorded, packet.codec.clock_rate()));
        }
        self.saved = (self.saved + len / REPAIR_SHARE).min(MOST_SAVED);
        if self.repairs.is_none() || !packet.codec.is_video() {
            return;
        }
        while self.kept.front().is_some_and(|oldest| self.kept.len() >= KEPT_PACKETS || now - oldest.sent > KEPT_FOR) {
            self.kept.pop_front();
        }
        let at = self.kept.partition_point(|kept| kept.packet.number < packet.number);
        self.kept.insert(at, Kept { packet, sent: now, repaired: None });
    }

    /// The packet that is to be sent once more, because its receiver asks for it by these last bits of its number: not again within a round trip, and
    /// not more than a share of what is sent.
    pub(super) fn repair(&mut self, seq: u16, round_trip: Duration, now: Time) -> Option<Unsealed> {
        let number = nearest(self.newest.map(|(number, ..)| number), seq);
        let at = self.kept.binary_search_by_key(&number, |kept| kept.packet.number).ok()?;
        let kept = &mut self.kept[at];
        if now - kept.sent > KEPT_FOR || kept.repaired.is_some_and(|at| now - at < round_trip) {
            return None;
        }
        self.saved = self.saved.checked_sub(kept.packet.payload.len())?;
        kept.repaired = Some(now);
        Some(kept.packet.clone())
    }

    /// Whether [`Self::recent`] may give something.
    pub(super) fn has_recent(&self) -> bool {
        !self.kept.is_empty()
    }

    /// One of the packets sent last, to be sent once more for its bytes alone.
    pub(super) fn recent(&self, nth: usize, now: Time) -> Option<Unsealed> {
        let back = nth % self.kept.len().clamp(1, MOST_RECENT);
        let kept = self.kept.iter().nth_back(back).filter(|kept| now - kept.sent <= KEPT_FOR)?;
        Some(kept.packet.clone())
    }

    /// What its receiver is told of it; `None` if nothing was sent since the last time.
    pub(super) fn report(&mut self, now: Time) -> Option<SenderInfo> {
        let (_, timestamp, recorded, rate) = self.newest.filter(|_| self.told != self.sent.packets)?;
        self.told = self.sent.packets;
        let ticks = (now - recorded).as_micros() * u128::from(rate) / 1_000_000;
        Some(SenderInfo { ntp: ntp(now), timestamp: timestamp.wrapping_add(ticks as u32), ..self.sent })
    }
}

impl Repairs {
    pub(super) fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64, len: usize) -> Unsealed {
        let timestamp = number as u32 * 3000;
        Unsealed {
            number,
            timestamp,
            recorded: Time::from_millis(number * 10),
            marker: true,
            codec: Codec::Vp8,
            vp8: None,
            payload: vec![7; len].into(),
        }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new(Mid::new("1").expect("a mid"), 5, Some(6), "c".into())
    }

    const ROUND_TRIP: Duration = Duration::from_millis(40);

    #[test]
    fn a_lost_packet_is_sent_once_a_round_trip_for_a_second() {
        let mut outgoing = outgoing();
        let at = Time::from_millis;
        for number in [65_530, 65_533, 65_537, 65_531] {
            outgoing.on_sent(packet(number, 1000), at(10_000));
        }
        let mut repair = |seq, ms| outgoing.repair(seq, ROUND_TRIP, at(ms)).map(|packet| packet.number);
        assert_eq!((repair(1, 10_010), repair(65_531, 10_010)), (Some(65_537), Some(65_531)));
        assert_eq!((repair(1, 10_049), repair(1, 10_050)), (None, Some(65_537)));
        assert_eq!((repair(65_532, 10_010), repair(2, 10_010)), (None, None), "never sent");
        assert_eq!(repair(65_530, 11_001), None, "too late");
    }

    #[test]
    fn whoever_asks_for_everything_again_and_again_gets_a_share() {
        let mut outgoing = outgoing();
        let (mut media, mut repairs) = (0, 0);
        for number in 1..20_000_u64 {
            let now = Time::from_millis(number * 4);
            outgoing.on_sent(packet(number, 1000), now);
            media += 1000;
            for back in 0..250 {
                let asked = outgoing.repair((number as u16).wrapping_sub(back), ROUND_TRIP, now);
                repairs += asked.map_or(0, |packet| packet.payload.len());
            }
        }
        assert!(repairs > media / 3 && repairs <= media / REPAIR_SHARE + MOST_SAVED, "{repairs} of {media}");
    }

    #[test]
    fn no_more_is_kept_than_may_be_asked_for() {
        let mut outgoing = outgoing();
        for number in 1..5000 {
            outgoing.on_sent(packet(number, 10), Time::from_micros(number * 100));
        }
        assert_eq!(outgoing.kept.len(), KEPT_PACKETS);
        outgoing.on_sent(packet(5000, 10), Time::from_millis(60_000));
        assert_eq!(outgoing.kept.len(), 1);
    }

    #[test]
    fn a_receiver_is_told_what_moment_a_timestamp_is() {
        let mut outgoing = outgoing();
        assert_eq!(outgoing.report(Time::from_millis(1)), None);
        outgoing.on_sent(packet(100, 10), Time::from_millis(1050));
        outgoing.on_sent(packet(99, 10), Time::from_millis(1050));
        let report = outgoing.report(Time::from_millis(1200)).expect("something was sent");
        // Recorded 200 ms before.
        assert_eq!((report.timestamp, report.packets, report.octets), (300_000 + 200 * 90, 2, 20));
        assert_eq!(report.ntp, ntp(Time::from_millis(1200)));
        assert_eq!(outgoing.report(Time::from_millis(2200)), None);
    }
}
