use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Codec, Time};
use conclave_rtp::{Entry, Ring};

use crate::payload_descriptor::PayloadDescriptor;
use crate::track::MAX_LAYERS;
use crate::transport::Packet;

/// Later than this no receiver waits for a packet any more.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(1);
/// A newcomer gets what came since a key frame that is no older than this.
pub(crate) const REPLAYED_FOR: Duration = Duration::from_secs(2);
/// Packets and bytes that a ring has room for at first, and at most: two pictures of a screen, or two seconds of a large picture.
const LEAST: (usize, usize) = (64, 16 * 1024);
const MOST: (usize, usize) = (1024, 1 << 20);
/// Packets whose order is remembered, of all layers of a picture, and of sound.
const ORDER_OF_PICTURES: usize = 2048;
const ORDER_OF_SOUND: usize = 64;

/// A packet as it came, without its payload.
pub(crate) type Arrival = Entry<Note>;

/// What is known of a packet besides its number and timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) codec: Codec,
    pub(crate) recorded: Time,
    pub(crate) descriptor: PayloadDescriptor,
}

/// The last packets of a track: one ring for each layer, and the order in which all of them came. A place in that order is what its subscribers hold
/// instead of packets.
#[derive(Debug, Default)]
pub(crate) struct History {
    rings: [Option<Ring<Note>>; MAX_LAYERS],
    /// Layer and number.
    order: VecDeque<(u8, u64)>,
    /// The place of the first one.
    first: u64,
}

impl History {
    /// Keeps a packet. `false` for one that is there already, or is too old.
    pub(crate) fn push(&mut self, layer: usize, packet: &Packet, descriptor: PayloadDescriptor, payload: &[u8], now: Time) -> bool {
        let Some(slot) = self.rings.get_mut(layer) else { return false };
        let ring = slot.get_or_insert_with(|| Ring::new(LEAST.0, LEAST.1).growing(MOST.0, MOST.1, REPLAYED_FOR));
        let Some(space) = ring.space().get_mut(..payload.len()) else { return false };
        space.copy_from_slice(payload);
        let note = Note { codec: packet.codec, recorded: packet.recorded, descriptor };
        let arrival = Arrival { number: packet.seq, timestamp: packet.time, marker: packet.marker, arrived: now, note };
        if !ring.insert(arrival, payload.len()) {
            return false;
        }
        let most = if packet.codec.is_video() { ORDER_OF_PICTURES } else { ORDER_OF_SOUND };
        if self.order.len() >= most {
            self.order.pop_front();
            self.first += 1;
        }
        self.order.push_back((layer as u8, packet.seq));
        true
    }

    /// The place of the oldest packet whose place is known.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The place of the packet that comes next.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.order.len() as u64
    }

    /// Layer and number of the packet at a place.
    pub(crate) fn at(&self, place: u64) -> Option<(usize, u64)> {
        let (layer, number) = self.order.get(usize::try_from(place.checked_sub(self.first)?).ok()?)?;
        Some((usize::from(*layer), *number))
    }

    /// A packet by its number, while it is there.
    pub(crate) fn get(&self, layer: usize, number: u64) -> Option<(&Arrival, &[u8])> {
        self.rings.get(layer)?.as_ref()?.get(number)
    }

    /// The layer begins anew, with other numbers.
    pub(crate) fn forget(&mut self, layer: usize) {
        if let Some(ring) = self.rings.get_mut(layer) {
            *ring = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IncomingStream;

    fn packet(seq: u64, codec: Codec) -> Packet {
        Packet { stream: IncomingStream(1), codec, seq, time: seq as u32, recorded: Time::ZERO, marker: false }
    }

    fn push(history: &mut History, layer: usize, seq: u64, codec: Codec, at: Time) -> bool {
        history.push(layer, &packet(seq, codec), PayloadDescriptor::default(), &[seq as u8; 1200], at)
    }

    #[test]
    fn packets_of_all_layers_are_found_in_their_order() {
        let mut history = History::default();
        for (layer, seq) in [(0, 100), (2, 7), (0, 101), (2, 6)] {
            assert!(push(&mut history, layer, seq, Codec::Vp8, Time::ZERO));
        }
        assert!(!push(&mut history, 2, 7, Codec::Vp8, Time::ZERO), "it is there");
        assert!(!push(&mut history, MAX_LAYERS, 1, Codec::Vp8, Time::ZERO), "no such layer");
        let order: Vec<_> = (0..history.end()).filter_map(|place| history.at(place)).collect();
        assert_eq!(order, [(0, 100), (2, 7), (0, 101), (2, 6)]);
        assert_eq!(history.get(2, 6).map(|(arrival, payload)| (arrival.timestamp, payload)), Some((6, &[6; 1200][..])));
        history.forget(2);
        assert!(history.get(2, 6).is_none() && history.get(0, 101).is_some());
    }

    #[test]
    fn a_second_of_a_large_picture_is_there_and_no_more_than_a_bound_of_any() {
        let mut history = History::default();
        let at = |seq: u64| Time::from_micros(seq * 4000);
        for seq in 0..250 {
            push(&mut history, 0, seq, Codec::Vp8, at(seq));
        }
        assert!((1..250).all(|seq| history.get(0, seq).is_some()));
        for seq in 250..20_000 {
            push(&mut history, 0, seq, Codec::Vp8, at(250));
        }
        let kept = (0..20_000).filter(|seq| history.get(0, *seq).is_some()).count();
        assert!((MOST.1 / 1200 - 4..=MOST.0).contains(&kept), "{kept}");
        assert_eq!((history.end(), history.end() - history.first()), (20_000, ORDER_OF_PICTURES as u64));
    }

    #[test]
    fn of_sound_little_is_kept() {
        let mut history = History::default();
        for seq in 0..1000 {
            push(&mut history, 0, seq, Codec::Opus, Time::from_millis(seq * 20));
        }
        assert_eq!((history.at(935), history.at(936)), (None, Some((0, 936))));
    }
}
