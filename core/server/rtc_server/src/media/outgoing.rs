//! One outgoing stream: how much was sent on it, what may be sent again, and what its receiver is told.

use std::time::Duration;

use conclave_base::{Codec, Time};
use conclave_rtp::StreamId;
use conclave_rtp::rtcp::SenderInfo;
use conclave_sfu::{Mid, OutgoingPacket};

use super::clock::ntp;
use super::negotiated::{ExtensionIds, PayloadType};

/// Packets of which it is remembered when they were repaired.
const REPAIRED: usize = 1024;
/// Bytes that may be sent again, of those that are sent: when each lost packet loses a frame and all that refer to it, many are worth it, but whoever
/// asks for everything over and over gets no more than this.
const REPAIR_SHARE: usize = 2;
/// Bytes of repairs that may be saved up.
const MOST_SAVED: usize = 128 * 1024;

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
    /// Number and moment of the last repairs, by the last bits of the number; once there is one.
    repaired: Vec<(u64, Time)>,
    saved: usize,
    /// A picture was sent that can be repaired.
    has_repairable: bool,
}

/// The stream that repairs another one (RFC 4588).
#[derive(Debug)]
pub(super) struct Repairs {
    pub(super) ssrc: u32,
    pub(super) id: Option<StreamId>,
    next: u64,
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
            repaired: Vec::new(),
            saved: MOST_SAVED,
            has_repairable: false,
        }
    }

    pub(super) fn payload_type(&self, codec: Codec) -> Option<PayloadType> {
        self.types.iter().find(|pt| pt.codec == codec).copied()
    }

    /// A packet leaves for the first time.
    pub(super) fn on_sent(&mut self, packet: &OutgoingPacket<'_>) {
        let len = packet.payload.len();
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.octets = self.sent.octets.wrapping_add(len as u32);
        if self.newest.is_none_or(|(number, ..)| number < packet.seq) {
            self.newest = Some((packet.seq, packet.time, packet.recorded, packet.codec.clock_rate()));
        }
        self.saved = (self.saved + len / REPAIR_SHARE).min(MOST_SAVED);
        self.has_repairable |= self.repairs.is_some() && packet.codec.is_video();
    }

    /// Whether a packet is sent once more that its receiver has not got: not again within a round trip, and not more than a share of what is sent.
    pub(super) fn may_repair(&mut self, number: u64, len: usize, round_trip: Duration, now: Time) -> bool {
        if self.repaired.is_empty() {
            self.repaired = vec![(u64::MAX, Time::ZERO); REPAIRED];
        }
        let repaired = &mut self.repaired[number as usize % REPAIRED];
        if repaired.0 == number && now - repaired.1 < round_trip {
            return false;
        }
        let Some(saved) = self.saved.checked_sub(len) else { return false };
        (*repaired, self.saved) = ((number, now), saved);
        true
    }

    /// Whether something was sent that can be sent again.
    pub(super) fn has_repairable(&self) -> bool {
        self.has_repairable
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

    fn packet(seq: u64, payload: &[u8]) -> OutgoingPacket<'_> {
        let (time, recorded) = (seq as u32 * 3000, Time::from_millis(seq * 10));
        OutgoingPacket { codec: Codec::Vp8, seq, time, recorded, marker: true, payload, vp8: None, longest: 0 }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new(Mid::new("1").expect("a mid"), 5, Some(6), "c".into())
    }

    const ROUND_TRIP: Duration = Duration::from_millis(40);

    #[test]
    fn a_lost_packet_is_sent_once_a_round_trip() {
        let mut outgoing = outgoing();
        let mut may = |number, ms| outgoing.may_repair(number, 1000, ROUND_TRIP, Time::from_millis(ms));
        assert!(may(65_537, 10_010) && may(65_531, 10_010));
        assert_eq!((may(65_537, 10_049), may(65_531, 10_049)), (false, false));
        assert!(may(65_537, 10_050) && may(65_538, 10_050));
    }

    #[test]
    fn whoever_asks_for_everything_again_and_again_gets_a_share() {
        let mut outgoing = outgoing();
        let (mut media, mut repairs) = (0, 0);
        for number in 1..20_000_u64 {
            let now = Time::from_millis(number * 4);
            outgoing.on_sent(&packet(number, &[7; 1000]));
            media += 1000;
            for back in 0..250.min(number) {
                repairs += usize::from(outgoing.may_repair(number - back, 1000, ROUND_TRIP, now)) * 1000;
            }
        }
        assert!(repairs > media / 3 && repairs <= media / REPAIR_SHARE + MOST_SAVED, "{repairs} of {media}");
    }

    #[test]
    fn a_receiver_is_told_what_moment_a_timestamp_is() {
        let mut outgoing = outgoing();
        assert_eq!(outgoing.report(Time::from_millis(1)), None);
        outgoing.on_sent(&packet(100, &[7; 10]));
        outgoing.on_sent(&packet(99, &[7; 10]));
        let report = outgoing.report(Time::from_millis(1200)).expect("something was sent");
        // Recorded 200 ms before.
        assert_eq!((report.timestamp, report.packets, report.octets), (300_000 + 200 * 90, 2, 20));
        assert_eq!(report.ntp, ntp(Time::from_millis(1200)));
        assert_eq!(outgoing.report(Time::from_millis(2200)), None);
    }
}
