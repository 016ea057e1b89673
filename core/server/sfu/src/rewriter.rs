use std::collections::VecDeque;

use conclave_base::Time;
use conclave_rtp::nearest;

use crate::TrackId;
use crate::history::Arrival;
use crate::payload_descriptor::Picture;
use crate::transport::{IncomingStream, OutgoingPacket, Vp8Numbers};

/// Segments of which packets may still be asked for again.
const SEGMENTS: usize = 4;

/// Makes one unbroken stream out of segments of several: a receiver sees sequence numbers, timestamps and picture numbers go on as if
/// no layer had ever been changed and nothing paused. Losses within a segment stay visible, so that they are asked for again.
#[derive(Debug)]
pub(crate) struct Rewriter {
    /// The sequence number after the highest one sent.
    next: u64,
    /// Of the packet with the highest number: its timestamp as sent, the moment that it stands for, and its picture numbers as sent.
    last: Option<LastSent>,
    /// The last ones; packets go by the newest.
    segments: VecDeque<Segment>,
}

#[derive(Debug, Clone, Copy)]
struct LastSent {
    time: u32,
    recorded: Time,
    picture: Option<Picture>,
    tl0: Option<u8>,
}

/// What a segment is of: a layer, for as long as it is one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) track: TrackId,
    pub(crate) layer: usize,
    pub(crate) stream: Option<IncomingStream>,
}

/// How the numbers of a segment are shifted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) origin: Origin,
    first: u64,
    seq: u64,
    time: u32,
    picture: u16,
    tl0: u8,
}

impl Rewriter {
    pub(crate) const fn new() -> Self {
        Self { next: 1, last: None, segments: VecDeque::new() }
    }

    /// A new segment begins with `packet`. Its timestamp is put as far after the last one as time has passed between the two.
    pub(crate) fn switch_source(&mut self, origin: Origin, packet: &Arrival) {
        let (number, descriptor) = (packet.number, packet.note.descriptor);
        let mut segment = Segment { origin, first: number, seq: self.next.wrapping_sub(number), time: 0, picture: 0, tl0: 0 };
        if let Some(last) = self.last {
            let clock = u64::from(packet.note.codec.clock_rate());
            let passed = packet.note.recorded.as_micros().saturating_sub(last.recorded.as_micros());
            let ticks = (passed.saturating_mul(clock) / 1_000_000).max(1);
            segment.time = last.time.wrapping_add(ticks as u32).wrapping_sub(packet.timestamp);
            if let (Some(before), Some(after)) = (last.picture, descriptor.picture) {
                segment.picture = before.id.wrapping_add(1).wrapping_sub(after.id);
            }
            if let (Some(before), Some(after)) = (last.tl0, descriptor.tl0) {
                segment.tl0 = before.wrapping_add(1).wrapping_sub(after);
            }
        }
        if self.segments.len() >= SEGMENTS {
            self.segments.pop_front();
        }
        self.segments.push_back(segment);
    }

    /// The header that `packet` goes out under; `None` if it is older than the segment.
    pub(crate) fn rewrite<'a>(&mut self, packet: &Arrival, payload: &'a [u8]) -> Option<OutgoingPacket<'a>> {
        let segment = self.segments.back().filter(|segment| packet.number >= segment.first)?;
        let outgoing = segment.rewrite(packet, payload);
        if outgoing.seq >= self.next {
            self.next = outgoing.seq + 1;
            let (picture, tl0) = (segment.picture(packet), segment.tl0(packet));
            let (time, recorded) = (outgoing.time, outgoing.recorded);
            self.last = Some(match self.last {
                // Padding has no picture numbers of its own.
                Some(last) => LastSent { time, recorded, picture: picture.or(last.picture), tl0: tl0.or(last.tl0) },
                None => LastSent { time, recorded, picture, tl0 },
            });
        }
        Some(outgoing)
    }

    /// The segment of a packet that was sent, by the last bits of its number, and what number it came with.
    pub(crate) fn find(&self, seq: u16) -> Option<(&Segment, u64)> {
        let number = nearest(self.next.checked_sub(1), seq);
        let segment = self.segments.iter().rev().find(|segment| segment.first.wrapping_add(segment.seq) <= number)?;
        (number < self.next).then(|| (segment, number.wrapping_sub(segment.seq)))
    }

    /// The last bits of the highest number sent.
    pub(crate) fn newest(&self) -> u16 {
        self.next.wrapping_sub(1) as u16
    }
}

impl Segment {
    /// The header that a packet of it goes out under, every time.
    pub(crate) fn rewrite<'a>(&self, packet: &Arrival, payload: &'a [u8]) -> OutgoingPacket<'a> {
        let numbers = || Vp8Numbers { picture_id: self.picture(packet).map(|picture| picture.id), tl0_pic_idx: self.tl0(packet) };
        OutgoingPacket {
            codec: packet.note.codec,
            seq: packet.number.wrapping_add(self.seq),
            time: packet.timestamp.wrapping_add(self.time),
            recorded: packet.note.recorded,
            marker: packet.marker,
            payload,
            vp8: (self.picture != 0 || self.tl0 != 0).then(numbers),
            longest: 0,
        }
    }

    fn picture(&self, packet: &Arrival) -> Option<Picture> {
        packet.note.descriptor.picture.map(|p| Picture { id: p.id.wrapping_add(self.picture) & mask(p.long), ..p })
    }

    fn tl0(&self, packet: &Arrival) -> Option<u8> {
        packet.note.descriptor.tl0.map(|tl0| tl0.wrapping_add(self.tl0))
    }
}

fn mask(long: bool) -> u16 {
    if long { 0x7fff } else { 0x7f }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Note;
    use crate::payload_descriptor::PayloadDescriptor;
    use conclave_base::Codec;

    fn packet(number: u64, timestamp: u32, ms: u64, descriptor: PayloadDescriptor) -> Arrival {
        let note = Note { codec: Codec::Vp8, recorded: Time::from_millis(ms), descriptor };
        Arrival { number, timestamp, marker: false, arrived: Time::from_millis(ms), note }
    }

    fn layer(layer: usize) -> Origin {
        Origin { track: TrackId(1), layer, stream: None }
    }

    fn picture(id: u16, tl0: u8) -> PayloadDescriptor {
        PayloadDescriptor { starts_key_frame: false, picture: Some(Picture { id, long: true }), tl0: Some(tl0) }
    }

    fn sent(rewriter: &mut Rewriter, packet: Arrival) -> Option<(u64, u32, Option<Vp8Numbers>)> {
        rewriter.rewrite(&packet, &[]).map(|o| (o.seq, o.time, o.vp8))
    }

    #[test]
    fn a_change_of_layer_is_seamless() {
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(layer(0), &packet(70_000, 5000, 0, picture(10, 3)));
        assert_eq!(sent(&mut rewriter, packet(70_000, 5000, 0, picture(10, 3))), Some((1, 5000, None)));
        assert_eq!(sent(&mut rewriter, packet(70_001, 8000, 33, picture(11, 4))), Some((2, 8000, None)));

        rewriter.switch_source(layer(1), &packet(9, 777, 66, picture(300, 200)));
        let numbers = Vp8Numbers { picture_id: Some(12), tl0_pic_idx: Some(5) };
        let third = Some((3, 8000 + 33 * 90, Some(numbers)));
        assert_eq!(sent(&mut rewriter, packet(9, 777, 66, picture(300, 200))), third);
        let numbers = Vp8Numbers { picture_id: Some(13), tl0_pic_idx: Some(6) };
        assert_eq!(sent(&mut rewriter, packet(10, 3777, 99, picture(301, 201))), Some((4, 8000 + 33 * 90 + 3000, Some(numbers))));

        // What is asked for again is found where it came from, and goes out as it did.
        let mut found = |seq| rewriter.find(seq).map(|(segment, number)| (segment.origin.layer, number));
        assert_eq!([1, 2, 3, 4].map(&mut found), [Some((0, 70_000)), Some((0, 70_001)), Some((1, 9)), Some((1, 10))]);
        assert_eq!([0, 5, 65_000].map(&mut found), [None; 3], "never sent");
        let (segment, _) = rewriter.find(3).expect("sent");
        let again = segment.rewrite(&packet(9, 777, 66, picture(300, 200)), &[]);
        assert_eq!(Some((again.seq, again.time, again.vp8)), third);
    }

    #[test]
    fn packets_of_the_last_segments_are_found() {
        let mut rewriter = Rewriter::new();
        for n in 0..6_u64 {
            let first = packet(1000 * n, 0, 0, PayloadDescriptor::default());
            rewriter.switch_source(layer(n as usize % 2), &first);
            sent(&mut rewriter, first);
        }
        let found = (1..=6).map(|seq| rewriter.find(seq).map(|(_, number)| number)).collect::<Vec<_>>();
        assert_eq!(found, [None, None, Some(2000), Some(3000), Some(4000), Some(5000)]);
    }

    #[test]
    fn a_gap_stays_a_gap_and_is_filled_late() {
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(layer(0), &packet(100, 0, 0, PayloadDescriptor::default()));
        let mut seq = |s| sent(&mut rewriter, packet(s, 0, 0, PayloadDescriptor::default())).map(|o| o.0);
        assert_eq!((seq(100), seq(103), seq(101), seq(104)), (Some(1), Some(4), Some(2), Some(5)));
    }

    #[test]
    fn what_came_before_the_piece_is_not_sent() {
        let mut rewriter = Rewriter::new();
        assert_eq!(sent(&mut rewriter, packet(5, 0, 0, PayloadDescriptor::default())), None);
        rewriter.switch_source(layer(0), &packet(100, 0, 0, PayloadDescriptor::default()));
        assert_eq!(sent(&mut rewriter, packet(99, 0, 0, PayloadDescriptor::default())), None);
    }

    #[test]
    fn short_picture_numbers_wrap_at_seven_bits() {
        let short = |id| PayloadDescriptor { starts_key_frame: false, picture: Some(Picture { id, long: false }), tl0: None };
        let mut rewriter = Rewriter::new();
        rewriter.switch_source(layer(0), &packet(1, 0, 0, short(127)));
        assert!(sent(&mut rewriter, packet(1, 0, 0, short(127))).is_some());
        rewriter.switch_source(layer(0), &packet(1, 0, 0, short(5)));
        let numbers = sent(&mut rewriter, packet(1, 0, 0, short(5))).and_then(|o| o.2);
        assert_eq!(numbers, Some(Vp8Numbers { picture_id: Some(0), tl0_pic_idx: None }));
    }
}
