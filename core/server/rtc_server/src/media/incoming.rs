//! One incoming stream: which of its packets came, which are asked for again, and what its sender is told of them.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::{Codec, Time};
use conclave_rtp::nearest;
use conclave_rtp::rtcp::{Block, SenderInfo};
use conclave_sfu::{IncomingStream, Mid, Rid};

/// Packets that are missed at a time. With more, the oldest are given up: a key frame is sooner.
const MOST_MISSING: usize = 256;
/// How often one is asked for.
const MOST_ASKS: u8 = 8;
/// A packet that is only late mostly comes within this.
const PATIENCE: Duration = Duration::from_millis(10);

/// A stream with media of its own, not one that repairs another.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) stream: IncomingStream,
    pub(super) mid: Mid,
    pub(super) rid: Option<Rid>,
    /// The forwarder knows of it.
    pub(super) is_announced: bool,
    /// What its sender last said of it.
    pub(super) report: Option<SenderInfo>,
    report_came: Time,
    highest: Option<u64>,
    /// Lost packets of pictures are asked for; sound goes on without.
    is_video: bool,
    /// In order.
    missing: VecDeque<Missing>,
    received: Reception,
}

#[derive(Debug)]
struct Missing {
    number: u64,
    ask_at: Time,
    asks: u8,
}

/// As RFC 3550, appendix A.3 and A.8, counts.
#[derive(Debug, Default)]
struct Reception {
    first: u64,
    packets: u64,
    expected_before: u64,
    packets_before: u64,
    /// In ticks, times 16.
    jitter: u32,
    transit: Option<u32>,
}

impl Incoming {
    pub(super) fn new(stream: IncomingStream, mid: Mid, rid: Option<Rid>) -> Self {
        Self {
            stream,
            mid,
            rid,
            is_announced: false,
            report: None,
            report_came: Time::ZERO,
            highest: None,
            is_video: false,
            missing: VecDeque::new(),
            received: Reception::default(),
        }
    }

    /// A packet came by itself. `false` if it, or what it repeats, was there before.
    pub(super) fn on_packet(&mut self, number: u64, timestamp: u32, codec: Codec, now: Time) -> bool {
        self.received.on_packet(timestamp, codec.clock_rate(), now);
        self.is_video = codec.is_video();
        let Some(highest) = self.highest else {
            (self.highest, self.received.first) = (Some(number), number);
            return true;
        };
        if number <= highest {
            return self.recover(number);
        }
        for number in (highest + 1).max(number.saturating_sub(MOST_MISSING as u64))..number {
            if self.missing.len() >= MOST_MISSING {
                self.missing.pop_front();
            }
            self.missing.push_back(Missing { number, ask_at: now + PATIENCE, asks: 0 });
        }
        self.highest = Some(number);
        true
    }

    /// The full number of a packet that another one repeats.
    pub(super) fn number_of(&self, seq: u16) -> u64 {
        nearest(self.highest, seq)
    }

    /// A packet came that was missing; `false` if it was not.
    pub(super) fn recover(&mut self, number: u64) -> bool {
        let found = self.missing.binary_search_by_key(&number, |missing| missing.number);
        found.is_ok_and(|at| self.missing.remove(at).is_some())
    }

    /// When something is to be asked for.
    pub(super) fn asks_at(&self) -> Time {
        let open = self.missing.iter().filter(|missing| self.is_video && missing.asks < MOST_ASKS);
        open.map(|missing| missing.ask_at).min().unwrap_or(Time::MAX)
    }

    /// What is to be asked for now, in order; once more after `again`, if it does not come.
    pub(super) fn ask(&mut self, again: Duration, now: Time) -> impl Iterator<Item = u16> {
        let due = self.missing.iter_mut().filter(move |missing| missing.asks < MOST_ASKS && missing.ask_at <= now);
        due.map(move |missing| {
            missing.asks += 1;
            missing.ask_at = now + again;
            missing.number as u16
        })
    }

    pub(super) fn on_report(&mut self, report: SenderInfo, now: Time) {
        (self.report, self.report_came) = (Some(report), now);
    }

    /// What its sender is told; `None` if nothing came since the last time.
    pub(super) fn block(&mut self, now: Time) -> Option<Block> {
        let highest = self.highest?;
        let Reception { first, packets, expected_before, packets_before, jitter, .. } = self.received;
        if packets == packets_before {
            return None;
        }
        let expected = highest + 1 - first.min(highest);
        let (expected_now, packets_now) = (expected.saturating_sub(expected_before), packets - packets_before);
        (self.received.expected_before, self.received.packets_before) = (expected, packets);
        let share = (expected_now.saturating_sub(packets_now) << 8).checked_div(expected_now).unwrap_or_default();
        Some(Block {
            ssrc: self.stream.0,
            fraction_lost: share.min(255) as u8,
            lost: i32::try_from(expected.cast_signed() - packets.cast_signed()).unwrap_or(i32::MAX),
            highest: highest as u32,
            jitter: jitter >> 4,
            last_report: self.report.map_or(0, |report| (report.ntp >> 16) as u32),
            delay: self.report.map_or(0, |_| ((now - self.report_came).as_micros() * 65_536 / 1_000_000) as u32),
        })
    }
}

impl Reception {
    fn on_packet(&mut self, timestamp: u32, rate: u32, now: Time) {
        self.packets += 1;
        let ticks = (u128::from(now.as_micros()) * u128::from(rate) / 1_000_000) as u32;
        let transit = ticks.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let change = transit.wrapping_sub(before).cast_signed().unsigned_abs().min(1 << 24);
            self.jitter = self.jitter - ((self.jitter + 8) >> 4) + change;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming() -> Incoming {
        Incoming::new(IncomingStream(7), Mid::new("0").expect("a mid"), None)
    }

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn what_is_missing_is_asked_for_again_and_again_until_it_comes() {
        let mut incoming = incoming();
        let mut came = |number, ms| incoming.on_packet(number, 0, Codec::Vp8, at(ms));
        assert!(came(65_534, 0) && came(65_535, 0) && came(65_539, 5));
        assert!(came(65_537, 9), "late");
        assert!(!came(65_537, 9) && !came(65_535, 9) && !came(3, 9), "there already, or never awaited");
        assert_eq!(incoming.asks_at(), at(15));
        let mut ask = |ms| incoming.ask(Duration::from_millis(100), at(ms)).collect::<Vec<_>>();
        assert_eq!((ask(14), ask(15), ask(114)), (vec![], vec![0, 2], vec![]));
        assert_eq!(ask(115), [0, 2]);
        assert!(incoming.recover(incoming.number_of(2)) && !incoming.recover(incoming.number_of(2)));
        let asked: usize = (2..100).map(|turn| incoming.ask(Duration::from_millis(100), at(15 + turn * 100)).count()).sum();
        assert_eq!((asked, incoming.asks_at()), (usize::from(MOST_ASKS) - 2, Time::MAX), "given up");
        assert!(incoming.recover(65_536), "and taken if it comes after all");
    }

    #[test]
    fn a_leap_is_not_asked_for_whole() {
        let mut incoming = incoming();
        incoming.on_packet(0, 0, Codec::Vp8, at(0));
        incoming.on_packet(30_000, 0, Codec::Vp8, at(0));
        assert_eq!(incoming.ask(Duration::ZERO, at(10)).count(), MOST_MISSING);
        incoming.on_packet(30_010, 0, Codec::Vp8, at(0));
        assert_eq!(incoming.missing.len(), MOST_MISSING);
        assert!(!incoming.recover(29_744) && incoming.recover(29_756));
    }

    #[test]
    fn a_sender_is_told_what_came() {
        let mut incoming = incoming();
        assert_eq!(incoming.block(at(0)), None);
        for number in (0..100_u64).filter(|number| number % 4 != 3) {
            incoming.on_packet(65_500 + number, number as u32 * 960, Codec::Opus, at(number * 20));
        }
        incoming.on_report(SenderInfo { ntp: 0x1234_5678_9abc_def0, ..SenderInfo::default() }, at(1000));
        let block = incoming.block(at(3000)).expect("packets came");
        // The last one that came is the 98th.
        assert_eq!((block.ssrc, block.lost, block.highest, block.jitter), (7, 24, 65_598, 0));
        assert_eq!((block.fraction_lost, block.last_report, block.delay), ((24 * 256 / 99) as u8, 0x5678_9abc, 2 * 65_536));
        assert_eq!(incoming.block(at(4000)), None, "nothing new");
        incoming.on_packet(65_600, 100 * 960, Codec::Opus, at(2030));
        assert!(incoming.block(at(5000)).is_some_and(|block| block.fraction_lost == 128 && block.jitter == 90));
    }
}
