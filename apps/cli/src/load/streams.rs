//! What one receiver got of each stream: packets, gaps that stayed, and packets that a server kept back without a gap.

use std::collections::BTreeMap;

use super::payload::Stamp;

/// Packets back from the newest, of which it is known whether they came.
const WINDOW: u64 = 1024;
const WORDS: usize = WINDOW as usize / 64;

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// With a payload, each once.
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Sequence numbers that never came.
    pub(super) lost: u64,
    /// That its publisher numbered between two which followed each other.
    pub(super) withheld: u64,
    /// That came again.
    pub(super) repeated: u64,
}

impl Count {
    /// These and those.
    pub(super) fn add(&mut self, more: Self) {
        self.packets += more.packets;
        self.bytes += more.bytes;
        self.lost += more.lost;
        self.withheld += more.withheld;
        self.repeated += more.repeated;
    }
}

/// All streams of one receiver, by SSRC.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<u32, Stream>);

#[derive(Debug, Default)]
struct Stream {
    /// Since measuring began.
    first: Option<u64>,
    last: u64,
    /// Different sequence numbers, those of padding alone too.
    seen: u64,
    /// One bit each for the last [`WINDOW`] sequence numbers.
    came: [u64; WORDS],
    /// The newest packet with a stamp, and its sequence number.
    stamp: Option<(u64, Stamp)>,
    count: Count,
}

impl Streams {
    /// How many there are that carry something.
    pub(super) fn len(&self) -> usize {
        self.0.values().filter(|stream| stream.stamp.is_some()).count()
    }

    /// A packet came; `stamp` is missing if it is padding, or not ours. Says whether it counts: measuring has begun, and it is no repetition.
    pub(super) fn packet(&mut self, ssrc: u32, seq: u64, bytes: usize, stamp: Option<Stamp>, is_measured: bool) -> bool {
        let stream = self.0.entry(ssrc).or_default();
        let before = stream.stamp;
        if let Some(stamp) = stamp
            && before.is_none_or(|(last, _)| seq > last)
        {
            stream.stamp = Some((seq, stamp));
        }
        if !is_measured || stream.first.is_some_and(|first| seq < first) {
            return false;
        }
        stream.first.get_or_insert(seq);
        if !stream.is_new(seq) {
            stream.count.repeated += 1;
            return false;
        }
        stream.seen += 1;
        if let (Some((last, before)), Some(now)) = (before, stamp)
            && seq == last + 1
            && (before.publisher, before.layer) == (now.publisher, now.layer)
        {
            // A key frame that a server sends again to a newcomer goes back.
            stream.count.withheld += u64::from(now.number.saturating_sub(before.number).saturating_sub(1));
        }
        if bytes > 0 {
            stream.count.packets += 1;
            stream.count.bytes += bytes as u64;
        }
        bytes > 0
    }

    /// All of them together.
    pub(super) fn count(&self) -> Count {
        let mut sum = Count::default();
        for stream in self.0.values() {
            let lost = stream.first.map_or(0, |first| (stream.last - first + 1).saturating_sub(stream.seen));
            sum.add(Count { lost, ..stream.count });
        }
        sum
    }
}

impl Stream {
    /// What is older than the window is taken for new: it was missed until now.
    fn is_new(&mut self, seq: u64) -> bool {
        let bit = |seq: u64| ((seq / 64) as usize % WORDS, 1 << (seq % 64));
        if self.seen == 0 || seq > self.last {
            let missed = if self.seen == 0 { 0..0 } else { (self.last + 1).max(seq.saturating_sub(WINDOW - 1))..seq };
            for old in missed {
                let (word, mask) = bit(old);
                self.came[word] &= !mask;
            }
            self.last = seq;
        } else if self.last - seq >= WINDOW {
            return true;
        } else {
            let (word, mask) = bit(seq);
            if self.came[word] & mask != 0 {
                return false;
            }
        }
        let (word, mask) = bit(seq);
        self.came[word] |= mask;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stamp(number: u32, layer: u8) -> Option<Stamp> {
        Some(Stamp { publisher: 1, layer, number, sent: 0 })
    }

    #[test]
    fn a_gap_is_a_loss_unless_it_is_filled_and_what_came_before_the_start_is_not() {
        let mut streams = Streams::default();
        streams.packet(1, 5, 10, stamp(5, 0), false);
        for seq in [10, 11, 14, 12] {
            assert!(streams.packet(1, seq, 10, None, true));
        }
        assert_eq!(streams.count(), Count { packets: 4, bytes: 40, lost: 1, ..Count::default() });
        streams.packet(1, 13, 10, None, true);
        assert_eq!(streams.count().lost, 0);
    }

    #[test]
    fn a_packet_that_comes_twice_hides_no_loss() {
        let mut streams = Streams::default();
        for seq in [100, 103, 103, 100, 103] {
            streams.packet(1, seq, 10, None, true);
        }
        assert_eq!(streams.count(), Count { packets: 2, bytes: 20, lost: 2, repeated: 3, ..Count::default() });
        for seq in (2_000..4_000).step_by(2) {
            streams.packet(1, seq, 10, None, true);
            streams.packet(1, seq, 10, None, true);
        }
        assert_eq!(streams.count().repeated, 1_003);
        assert_eq!(streams.count().lost, 3_998 - 100 + 1 - 1_002);
    }

    #[test]
    fn what_a_server_keeps_back_without_a_gap_is_counted_too() {
        let mut streams = Streams::default();
        for (seq, number) in [(1, 1), (2, 2), (3, 5), (4, 6)] {
            streams.packet(1, seq, 10, stamp(number, 0), true);
        }
        assert_eq!(streams.count(), Count { packets: 4, bytes: 40, withheld: 2, ..Count::default() });
    }

    #[test]
    fn another_layer_a_gap_or_a_key_frame_from_before_is_nothing_kept_back() {
        let mut streams = Streams::default();
        for (seq, number, layer) in [(1, 1, 0), (2, 900, 2), (3, 901, 2), (5, 903, 2), (6, 800, 2), (7, 801, 2)] {
            streams.packet(1, seq, 10, stamp(number, layer), true);
        }
        assert_eq!((streams.count().withheld, streams.count().lost), (0, 1));
    }

    #[test]
    fn padding_fills_a_number_and_is_no_packet() {
        let mut streams = Streams::default();
        streams.packet(1, 1, 10, stamp(1, 0), true);
        streams.packet(1, 2, 0, None, true);
        streams.packet(1, 3, 10, stamp(2, 0), true);
        assert_eq!((streams.count().packets, streams.count().lost, streams.len()), (2, 0, 1));
    }
}
