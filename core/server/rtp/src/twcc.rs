//! Transport-wide congestion control: a number for each packet of a connection, and when each came, told to whoever sent them.

use std::time::Duration;

use conclave_base::Time;

use crate::packet::NoRoom;
use crate::rtcp::{Feedback, Statuses, TICK, Ticks, Writer};
use crate::srtp::nearest;

/// Packets that are remembered: a second of fifty pictures.
const KEPT: u64 = 2048;
/// The row of reference times begins anew after 2^24 of 64 ms each.
const ROUND: Ticks = (1 << 24) * 256;

/// What we received, and how much of it was told.
#[derive(Debug)]
pub struct Arrivals {
    /// When the last packets came, by the last bits of their numbers; in ticks, one more than that, so that 0 is "it did not".
    times: Box<[u64]>,
    /// The first packet that is not told yet, or is to be told again.
    first: u64,
    /// The highest one that came.
    highest: Option<u64>,
    number: u8,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { times: vec![0; KEPT as usize].into_boxed_slice(), first: 0, highest: None, number: 0 }
    }
}

impl Arrivals {
    /// A packet with this number came.
    pub fn on_packet(&mut self, seq: u16, now: Time) {
        // A round ahead, so that those before the first one have numbers too.
        let number = nearest(self.highest.or(Some(u64::from(seq) + (1 << 16))), seq);
        let highest = *self.highest.get_or_insert_with(|| {
            self.first = number;
            number
        });
        if number > highest {
            for skipped in highest + 1..=number.min(highest + KEPT) {
                self.times[place(skipped)] = 0;
            }
            self.highest = Some(number);
            self.first = self.first.max((number + 1).saturating_sub(KEPT));
        } else if highest - number >= KEPT {
            return;
        }
        let time = &mut self.times[place(number)];
        if *time == 0 {
            *time = ticks(now);
            // That one was told to be lost: it is told again, and all after it.
            self.first = self.first.min(number);
        }
    }

    /// Whether there is anything to tell.
    pub fn is_pending(&self) -> bool {
        self.highest.is_some_and(|highest| highest >= self.first)
    }

    /// Tells what came since the last time, as far as one feedback can: again while [`Self::is_pending`].
    pub fn write(&mut self, sender: u32, media: u32, writer: &mut Writer<'_>) -> Result<(), NoRoom> {
        let Some(highest) = self.highest.filter(|highest| *highest >= self.first) else { return Ok(()) };
        let row = Row { times: &self.times, first: self.first, highest };
        let told = writer.transport_wide((sender, media), self.number, self.first as u16, &row)?;
        self.number = self.number.wrapping_add(1);
        self.first += u64::from(told);
        Ok(())
    }
}

struct Row<'a> {
    times: &'a [u64],
    first: u64,
    highest: u64,
}

impl Statuses for Row<'_> {
    fn len(&self) -> u16 {
        u16::try_from(self.highest + 1 - self.first).unwrap_or(u16::MAX)
    }

    fn get(&self, at: u16) -> Option<Ticks> {
        let ticks = self.times[place(self.first + u64::from(at))];
        ticks.checked_sub(1).and_then(|ticks| i64::try_from(ticks).ok())
    }
}

fn place(number: u64) -> usize {
    (number % KEPT) as usize
}

fn ticks(now: Time) -> u64 {
    now.as_micros() / TICK.unsigned_abs() + 1
}

/// What became of a packet that we sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// When it left.
    pub sent: Time,
    /// When it came, on the receiver's clock from some moment on; `None` if the receiver says that it did not.
    pub arrived: Option<Time>,
    /// Bytes.
    pub size: u16,
    /// The probe that it belongs to; 0 is none.
    pub probe: u8,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Unknown,
    Lost,
    Arrived,
}

#[derive(Debug, Clone, Copy, Default)]
struct Record {
    /// The last 32 bits of microseconds.
    sent: u32,
    size: u16,
    probe: u8,
    fate: Fate,
}

/// What we sent, until the receiver has told of it. Eight bytes a packet.
#[derive(Debug)]
pub struct Sent {
    records: Box<[Record]>,
    next: u64,
    /// The last time of the receiver's clock that was told, of all rounds.
    clock: Ticks,
}

impl Default for Sent {
    fn default() -> Self {
        // A round of the clock ahead, so that its times are never below zero.
        Self { records: vec![Record::default(); KEPT as usize].into_boxed_slice(), next: 0, clock: ROUND }
    }
}

impl Sent {
    /// The number for the packet that leaves now.
    pub fn push(&mut self, size: usize, probe: u8, now: Time) -> u16 {
        let record = Record { sent: now.as_micros() as u32, size: u16::try_from(size).unwrap_or(u16::MAX), probe, fate: Fate::Unknown };
        self.records[place(self.next)] = record;
        self.next += 1;
        (self.next - 1) as u16
    }

    /// Hands over what became of each packet that `feedback` tells of; each arrival once. A packet that was told to be lost may come after all.
    pub fn apply(&mut self, feedback: Feedback<'_>, now: Time, mut on_outcome: impl FnMut(Outcome)) {
        let Some(last) = self.next.checked_sub(1) else { return };
        for status in feedback {
            let number = nearest(Some(last), status.seq);
            if number > last || last - number >= KEPT {
                continue;
            }
            let record = &mut self.records[place(number)];
            let fate = if status.arrived.is_some() { Fate::Arrived } else { Fate::Lost };
            if record.fate == Fate::Arrived || record.fate == fate {
                continue;
            }
            record.fate = fate;
            let arrived = status.arrived.map(|ticks| {
                // In the round that lies nearest to the last one.
                let ahead = (ticks - self.clock + ROUND / 2).rem_euclid(ROUND) - ROUND / 2;
                self.clock = self.clock.saturating_add(ahead).clamp(0, Ticks::MAX / TICK);
                Time::from_micros((self.clock * TICK).unsigned_abs())
            });
            let age = Duration::from_micros(u64::from((now.as_micros() as u32).wrapping_sub(record.sent)));
            let sent = Time::from_micros(now.as_micros().saturating_sub(age.as_micros() as u64));
            on_outcome(Outcome { sent, arrived, size: record.size, probe: record.probe });
        }
    }
}
