//! When to look whether a path carries more than is known: where little is wanted, little is sent, and what is sent shows nothing above itself.

use std::time::Duration;

use conclave_base::Time;

/// Between a probe that found something and the next one.
const NEXT: Duration = Duration::from_millis(500);
/// Between probes that find nothing: longer each time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));
/// A probe goes so far above what is known, but no further than what is wanted.
const STEP: u64 = 2;
/// At least so many packets and so much time in one: what is measured is how they arrive.
const PACKETS: usize = 8;
const SPAN: Duration = Duration::from_millis(20);
/// Found something: a fifth more than before.
const MORE: (u64, u64) = (6, 5);
/// The steps in which one is sent.
const BEAT: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
pub(super) struct Prober {
    next: Time,
    pause: Duration,
    /// What was known when the last one began.
    before: Option<u64>,
    running: Option<Probe>,
    /// Of the last one; 0 is none.
    number: u8,
}

/// A row of packets at one rate.
#[derive(Debug)]
struct Probe {
    /// Bits per second.
    rate: u64,
    began: Time,
    bytes: usize,
    packets: usize,
}

impl Prober {
    /// When [`Self::due`] is to be asked.
    pub(super) fn wakes_at(&self, estimate: u64, wanted: u64) -> Time {
        match &self.running {
            Some(probe) => probe.began + span(probe.bytes, probe.rate).max(BEAT),
            None if estimate < wanted => self.next,
            None => Time::MAX,
        }
    }

    /// The number of the probe of which a packet is to be sent now; [`Self::on_sent`] follows.
    pub(super) fn due(&mut self, estimate: u64, wanted: u64, now: Time) -> Option<u8> {
        if let Some(probe) = &self.running {
            let span = span(probe.bytes, probe.rate);
            if probe.packets < PACKETS || span < SPAN {
                return (probe.began + span <= now).then_some(self.number);
            }
            self.running = None;
            self.next = now + NEXT;
        }
        if now < self.next || estimate >= wanted {
            return None;
        }
        if let Some(before) = self.before.take() {
            if estimate < before * MORE.0 / MORE.1 {
                self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
                self.next = now + self.pause;
                return None;
            }
            self.pause = Duration::ZERO;
        }
        self.before = Some(estimate);
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.running = Some(Probe { rate: (estimate * STEP).min(wanted).max(1), began: now, bytes: 0, packets: 0 });
        Some(self.number)
    }

    /// The number of the running probe.
    pub(super) fn number(&self) -> u8 {
        self.number
    }

    /// A packet of the running probe was sent.
    pub(super) fn on_sent(&mut self, bytes: usize) {
        if let Some(probe) = &mut self.running {
            probe.bytes += bytes;
            probe.packets += 1;
        }
    }

    /// There is nothing to probe with.
    pub(super) fn give_up(&mut self, now: Time) {
        (self.running, self.before) = (None, None);
        self.next = now + NEXT;
    }
}

fn span(bytes: usize, rate: u64) -> Duration {
    Duration::from_micros((bytes as u64 * 8_000_000).checked_div(rate).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs for so long against a path that carries `carries`; gives when packets were sent.
    fn run(prober: &mut Prober, estimate: &mut u64, (wanted, carries): (u64, u64), ms: std::ops::Range<u64>) -> Vec<u64> {
        let mut sent = Vec::new();
        for ms in ms {
            let now = Time::from_millis(ms);
            while prober.due(*estimate, wanted, now).is_some() {
                prober.on_sent(1000);
                sent.push(ms);
            }
            if sent.last().is_some_and(|last| ms - last == 100) {
                *estimate = (*estimate * STEP).min(wanted).min(carries).max(*estimate);
            }
        }
        sent
    }

    #[test]
    fn a_wide_path_is_found_in_a_few_steps_and_then_left_alone() {
        let (mut prober, mut estimate) = (Prober::default(), 200_000);
        run(&mut prober, &mut estimate, (2_000_000, 5_000_000), 1000..6000);
        assert_eq!(estimate, 2_000_000);
        assert_eq!(prober.wakes_at(estimate, 2_000_000), Time::MAX);
    }

    #[test]
    fn a_narrow_path_is_probed_ever_more_seldom() {
        let (mut prober, mut estimate) = (Prober::default(), 300_000);
        let sent = run(&mut prober, &mut estimate, (2_000_000, 300_000), 1000..61_000);
        assert!((6 * PACKETS..=10 * PACKETS).contains(&sent.len()), "{} packets in a minute", sent.len());
        let span = sent[PACKETS - 1] - sent[0];
        assert!((80..=100).contains(&span), "8 kB at 600 kbit/s in {span} ms");
    }
}
