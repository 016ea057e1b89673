//! What arrived, through feedback, is what was sent: over losses, reordering, lost feedback and the end of every counter.

use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::rtcp::{Compound, Message, Writer};
use conclave_rtp::{Arrivals, Outcome, Sent};
use proptest::collection::vec;
use proptest::prelude::*;

/// A path with a clock of its own at its end.
#[derive(Debug)]
struct Path {
    sent: Sent,
    arrivals: Arrivals,
    now: Time,
    /// Ahead of the sender's.
    clock: Duration,
}

impl Path {
    fn starting(packets: u32, clock: Duration) -> Self {
        let mut path = Self { sent: Sent::default(), arrivals: Arrivals::default(), now: Time::from_millis(1000), clock };
        for _ in 0..packets {
            path.sent.push(1, 0, Time::ZERO);
        }
        path
    }

    fn arrive(&mut self, seq: u16) {
        self.arrivals.on_packet(seq, self.now + self.clock);
    }

    fn feedback(&mut self, is_lost: bool) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while self.arrivals.is_pending() {
            let mut bytes = [0; 1200];
            let mut writer = Writer::new(&mut bytes);
            self.arrivals.write(1, 2, &mut writer).expect("room");
            let len = writer.len();
            for message in Compound::read(&bytes[..len]).filter(|_| !is_lost) {
                let Ok(Message::TransportWide(feedback)) = message else { panic!("no feedback") };
                self.sent.apply(feedback, self.now, |outcome| outcomes.push(outcome));
            }
        }
        outcomes
    }
}

proptest! {
    #[test]
    fn each_arrival_is_told_once_and_when_it_was(
        // So that numbers roll over, and the receiver's clock does.
        before in 65_000_u32..66_000, clock in prop_oneof![Just(0), 1_073_741_000_u64..1_073_743_000],
        fates in vec((0_u64..8_000, 0_u8..10, 0_usize..4, any::<bool>()), 1..600),
    ) {
        let mut path = Path::starting(before, Duration::from_millis(clock));
        let mut under_way: Vec<(u16, Time, u16)> = Vec::new();
        let (mut arrived, mut outcomes) = (Vec::new(), Vec::new());
        for (pause, fate, late, is_told) in fates {
            path.now += Duration::from_micros(pause);
            let size = 100 + pause as u16 % 1000;
            let seq = path.sent.push(usize::from(size), fate, path.now);
            if fate != 0 {
                under_way.push((seq, path.now, size));
            }
            if under_way.len() > late {
                let (seq, sent, size) = under_way.swap_remove(late);
                path.now += Duration::from_micros(pause / 2);
                path.arrive(seq);
                arrived.push((sent, size, path.now));
            }
            if is_told {
                outcomes.extend(path.feedback(false));
            }
        }
        outcomes.extend(path.feedback(false));
        let mut told: Vec<_> = outcomes.iter().filter_map(|o| Some((o.sent, o.size, o.arrived?))).collect();
        told.sort_unstable();
        arrived.sort_unstable();
        prop_assert_eq!(told.len(), arrived.len());
        let Some((first, told_first)) = arrived.iter().zip(&told).min_by_key(|(a, _)| a.2) else { return Ok(()) };
        for (arrived, told) in arrived.iter().zip(&told) {
            prop_assert_eq!((arrived.0, arrived.1), (told.0, told.1));
            // By the receiver's clock, in steps of 250 µs.
            let real = arrived.2 - first.2;
            let heard = told.2 - told_first.2;
            prop_assert!(real.abs_diff(heard) <= Duration::from_micros(250), "{real:?} was told as {heard:?}");
        }
    }

    /// Any feedback on what was sent, as often as somebody likes.
    #[test]
    fn hostile_feedback_tells_of_each_packet_once(words in vec(any::<u16>(), 10..200), packets in 1_u32..3_000, times in 1_usize..20) {
        let mut sent = Sent::default();
        for _ in 0..packets {
            sent.push(1, 0, Time::from_millis(5));
        }
        let mut outcomes = 0;
        for time in 0..times {
            let mut bytes = vec![0x80 | 15, 205, 0, 0];
            bytes.extend(words.iter().flat_map(|word| word.wrapping_mul(time as u16 | 1).to_be_bytes()));
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            let length = u16::try_from(bytes.len() / 4 - 1).expect("short");
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            // As many as there are chunks for.
            bytes[14..16].copy_from_slice(&50_u16.to_be_bytes());
            if let Some(Ok(Message::TransportWide(feedback))) = Compound::read(&bytes).next() {
                sent.apply(feedback, Time::from_millis(9), |outcome| outcomes += u32::from(outcome.arrived.is_some()));
            }
        }
        prop_assert!(outcomes <= packets);
    }
}

#[test]
fn what_was_told_to_be_lost_can_come_after_all() {
    let mut path = Path::starting(0, Duration::ZERO);
    for _ in 0..4 {
        path.sent.push(10, 0, path.now);
    }
    path.arrive(0);
    path.arrive(3);
    let arrived = |outcomes: Vec<Outcome>| outcomes.iter().map(|o| o.arrived.is_some()).collect::<Vec<_>>();
    assert_eq!(arrived(path.feedback(false)), [true, false, false, true]);
    path.arrive(2);
    assert_eq!(arrived(path.feedback(false)), [true], "that one alone is news");
    path.arrive(2);
    assert_eq!(arrived(path.feedback(false)), []);
}

#[test]
fn lost_feedback_leaves_packets_unknown() {
    let mut path = Path::starting(0, Duration::ZERO);
    for seq in 0..10 {
        path.sent.push(10, 0, path.now);
        path.arrive(seq);
        let outcomes = path.feedback(seq == 5);
        assert_eq!(outcomes.len(), usize::from(seq != 5));
    }
}

#[test]
fn packets_lost_before_the_first_that_comes_are_told() {
    let mut path = Path::starting(0, Duration::ZERO);
    for _ in 0..10 {
        path.sent.push(10, 0, path.now);
    }
    path.arrive(0);
    path.feedback(false);
    path.arrive(9);
    assert_eq!(path.feedback(false).iter().filter(|o| o.arrived.is_none()).count(), 8);
}
