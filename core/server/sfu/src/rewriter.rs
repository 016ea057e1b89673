use conclave_base::Time;

use crate::payload_descriptor::{PayloadDescriptor, Picture};
use crate::transport::{OutgoingPacket, Packet, Vp8Numbers};

/// Makes one unbroken stream out of segments of several: a receiver sees sequence numbers, timestamps and picture numbers go on as if
/// no layer had ever been changed and nothing paused. Losses within a segment stay visible, so that they are asked for again.
#[derive(Debug)]
pub(crate) struct Rewriter {
    /// The sequence number after the highest one sent.
    next: u64,
    /// Of the packet with the highest number: its timestamp as sent, the moment that it stands for, and its picture numbers as sent.
    last: Option<LastSent>,
    segment: Option<Segment>,
}

#[derive(Debug, Clone, Copy)]
struct LastSent {
    time: u32,
    recorded: Time,
    picture: Option<Picture>,
    tl0: Option<u8>,
}

/// How the numbers of the segment that is being forwarded are shifted.
#[derive(Debug, Clone, Copy)]
struct Segment {
    first: u64,
    seq: u64,
    time: u32,
    picture: u16,
    tl0: u8,
}

impl Rewriter {
    pub(crate) const fn new() -> Self {
        Self { next: 1, last: None, segment: None }
    }

    /// A new segment begins with `packet`. Its timestamp is put as far after the last one as time has passed between the two.
    pub(crate) fn switch_source(&mut self, packet: &Packet, descriptor: PayloadDescriptor) {
        let mut segment = Segment { first: packet.seq, seq: self.next.wrapping_sub(packet.seq), time: 0, picture: 0, tl0: 0 };
        if let Some(last) = self.last {
            let clock = u64::from(packet.codec.clock_rate());
            let passed = packet.recorded.as_micros().saturating_sub(last.recorded.as_micros());
            let ticks = (passed.saturating_mul(clock) / 1_000_000).max(1);
            segment.time = last.time.wrapping_add(ticks as u32).wrapping_sub(packet.time);
            if let (Some(before), Some(after)) = (last.picture, descriptor.picture) {
                segment.picture = before.id.wrapping_add(1).wrapping_sub(after.id);
            }
            if let (Some(before), Some(after)) = (last.tl0, descriptor.tl0) {
                segment.tl0 = before.wrapping_add(1).wrapping_sub(after);
            }
        }
        self.segment = Some(segment);
    }

    /// The header that `packet` goes out under; `None` if it is older than the segment.
    pub(crate) fn rewrite<'a>(&mut self, packet: &'a Packet, descriptor: PayloadDescriptor) -> Option<OutgoingPacket<'a>> {
        let segment = self.segment.filter(|p| packet.seq >= p.first)?;
        let seq = packet.seq.wrapping_add(segment.seq);
        let time = packet.time.wrapping_add(segment.time);
        let picture = descriptor.picture.map(|p| Picture { id: p.id.wrapping_add(segment.picture) & mask(p.long), ..p });
        let tl0 = descriptor.tl0.map(|t| t.wrapping_add(segment.tl0));
        if seq >= self.next {
            self.next = seq + 1;
            let recorded = packet.recorded;
            self.last = Some(match self.last {
                // Padding has no picture numbers of its own.
                Some(last) => LastSent { time, recorded, picture: picture.or(last.picture), tl0: tl0.or(last.tl0) },
                None => LastSent { time, recorded, picture, tl0 },
            });
        }
        let shifted = segment.picture != 0 || segment.tl0 != 0;
        let vp8 = shifted.then(|| Vp8Numbers { picture_id: picture.map(|p| p.id), tl0_pic_idx: tl0 });
        Some(OutgoingPacket {
            codec: packet.codec,
            seq,
            time,
            recorded: packet.recorded,
            marker: packet.marker,
            payload: &packet.payload,
            vp8,
        })
    }
}

fn mask(long: bool) -> u16 {
    if long { 0x7fff } else { 0x7f }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use conclave_base::Codec;

    use crate::IncomingStream;

    fn packet(seq: u64, time: u32, ms: u64) -> Packet {
        let payload = Arc::from([0x10, 0].as_slice());
        Packet { stream: IncomingStream(1), codec: Codec::Vp8, seq, time, recorded: Time::from_millis(ms), marker: false, payload }
    }

    fn picture(id: u16, tl0: u8) -> PayloadDescriptor {
        PayloadDescriptor { starts_key_frame: false, picture: Some(Picture { id, long: true }), tl0: Some(tl0) }
    }

    fn sent(rewriter: &mut Rewriter, packet: &Packet, descriptor: PayloadDescriptor) -> Option<(u64, u32, Option<Vp8Numbers>)> {
        rewriter.rewrite(packet, descriptor).map(|o| (o.seq, o.time, o.vp8))
    }

    #[test]
    fn a_change_of_layer_is_seamless() {
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(&packet(70_000, 5000, 0), picture(10, 3));
        assert_eq!(sent(&mut rewriter, &packet(70_000, 5000, 0), picture(10, 3)), Some((1, 5000, None)));
        assert_eq!(sent(&mut rewriter, &packet(70_001, 8000, 33), picture(11, 4)), Some((2, 8000, None)));

        rewriter.switch_source(&packet(9, 777, 66), picture(300, 200));
        let numbers = Vp8Numbers { picture_id: Some(12), tl0_pic_idx: Some(5) };
        assert_eq!(sent(&mut rewriter, &packet(9, 777, 66), picture(300, 200)), Some((3, 8000 + 33 * 90, Some(numbers))));
        let numbers = Vp8Numbers { picture_id: Some(13), tl0_pic_idx: Some(6) };
        assert_eq!(sent(&mut rewriter, &packet(10, 3777, 99), picture(301, 201)), Some((4, 8000 + 33 * 90 + 3000, Some(numbers))));
    }

    #[test]
    fn a_gap_stays_a_gap_and_is_filled_late() {
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(&packet(100, 0, 0), PayloadDescriptor::default());
        let mut seq = |s| sent(&mut rewriter, &packet(s, 0, 0), PayloadDescriptor::default()).map(|o| o.0);
        assert_eq!((seq(100), seq(103), seq(101), seq(104)), (Some(1), Some(4), Some(2), Some(5)));
    }

    #[test]
    fn what_came_before_the_piece_is_not_sent() {
        let mut rewriter = Rewriter::new();
        assert_eq!(sent(&mut rewriter, &packet(5, 0, 0), PayloadDescriptor::default()), None);
        rewriter.switch_source(&packet(100, 0, 0), PayloadDescriptor::default());
        assert_eq!(sent(&mut rewriter, &packet(99, 0, 0), PayloadDescriptor::default()), None);
    }

    #[test]
    fn short_picture_numbers_wrap_at_seven_bits() {
        let short = |id| PayloadDescriptor { starts_key_frame: false, picture: Some(Picture { id, long: false }), tl0: None };
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(&packet(1, 0, 0), short(127));
        assert!(sent(&mut rewriter, &packet(1, 0, 0), short(127)).is_some());
        rewriter.switch_source(&packet(1, 0, 0), short(5));
        let numbers = sent(&mut rewriter, &packet(1, 0, 0), short(5)).and_then(|o| o.2);
        assert_eq!(numbers, Some(Vp8Numbers { picture_id: Some(0), tl0_pic_idx: None }));
    }
}
