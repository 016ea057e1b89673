//! A bad line, for one direction of one client: what is lost, late, out of order, or too much for it.
//!
//! ```text
//!  datagram ──> lost? ──> rate: one after the other, those who would wait too long are dropped ──> delay, jitter ──> out, in order but for `reorder`
//! ```
//!
//! It reads no clock and waits for nothing. What happens to the n-th datagram follows from the seed, n, and when it and those before it came.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use conclave_base::Time;

use crate::args::{Share, duration};

/// Datagrams that may be on their way.
const MOST_WAITING: usize = 8192;
/// How long a datagram waits at most for those before it, where the rate is limited.
const LONGEST_QUEUE: Duration = Duration::from_millis(200);
/// By how much a datagram comes late that is to come after its successors.
const OVERTAKEN_BY: Duration = Duration::from_millis(10);

/// How bad the line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// What never arrives.
    pub loss: Share,
    /// One way.
    pub delay: Duration,
    /// By so much more or less, each value as likely as the other.
    pub jitter: Duration,
    /// What others overtake.
    pub reorder: Share,
    /// Bits a second, counted without the headers of UDP and IP.
    pub rate: Option<u64>,
}

/// Whose line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Up,
    /// From it.
    Down,
}

/// `--impair`: in one direction, or in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impair {
    /// `None` is both.
    pub direction: Option<Direction>,
    /// How bad.
    pub settings: Settings,
}

impl FromStr for Impair {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (direction, text) = match text.split_once(':') {
            Some(("up", rest)) => (Some(Direction::Up), rest),
            Some(("down", rest)) => (Some(Direction::Down), rest),
            Some((other, _)) => bail!("there is no direction {other:?}: write up: or down:, or neither for both"),
            None => (None, text),
        };
        let mut settings = Settings::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=').with_context(|| format!("{part:?} is not NAME=VALUE"))?;
            let wrong = || format!("{name}={value}");
            match name {
                "loss" => settings.loss = value.parse().with_context(wrong)?,
                "delay" => settings.delay = duration(value).with_context(wrong)?,
                "jitter" => settings.jitter = duration(value).with_context(wrong)?,
                "reorder" => settings.reorder = value.parse().with_context(wrong)?,
                "rate" => settings.rate = Some(bits(value).with_context(wrong)?),
                _ => bail!("there is no {name:?}: write loss, delay, jitter, reorder or rate"),
            }
        }
        Ok(Self { direction, settings })
    }
}

/// Bits a second: `5Mbit/s`, `300kbit/s`.
fn bits(text: &str) -> anyhow::Result<u64> {
    let number = text.strip_suffix("bit/s").context("a rate ends with bit/s, kbit/s or Mbit/s")?;
    let (number, unit) = match number.strip_suffix('M') {
        Some(number) => (number, 1_000_000.0),
        None => number.strip_suffix('k').map_or((number, 1.0), |number| (number, 1_000.0)),
    };
    let bits: f64 = number.parse().ok().filter(|n: &f64| n.is_finite()).context("a rate begins with a number")?;
    let bits = (bits * unit).round();
    ensure!((1.0..=1e12).contains(&bits), "a rate is from 1 bit/s to 1,000,000 Mbit/s");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in these bounds")]
    Ok(bits as u64)
}

/// What became of the datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Came out.
    pub passed: u64,
    /// Were lost.
    pub lost: u64,
    /// Found no room: the rate was too small for them.
    pub dropped: u64,
}

impl Counts {
    /// These and those.
    pub fn add(&mut self, more: Self) {
        self.passed += more.passed;
        self.lost += more.lost;
        self.dropped += more.dropped;
    }
}

/// One direction of a line.
#[derive(Debug)]
pub struct Impairment<T> {
    settings: Settings,
    random: u64,
    /// When the last datagram will have left, at this rate.
    free: Time,
    /// When the last one arrives of those that nobody overtakes.
    last: Time,
    /// By the moment when they arrive, and as they came.
    waiting: BTreeMap<(Time, u64), T>,
    next: u64,
    counts: Counts,
}

impl<T> Impairment<T> {
    /// An empty line.
    pub const fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: seed,
            free: Time::ZERO,
            last: Time::ZERO,
            waiting: BTreeMap::new(),
            next: 0,
            counts: Counts { passed: 0, lost: 0, dropped: 0 },
        }
    }

    /// When the next datagram arrives.
    pub fn due(&self) -> Time {
        self.waiting.first_key_value().map_or(Time::MAX, |((due, _), _)| *due)
    }

    /// The next datagram that has arrived by `now`.
    pub fn arrival(&mut self, now: Time) -> Option<T> {
        let first = self.waiting.first_entry().filter(|first| first.key().0 <= now)?;
        self.counts.passed += 1;
        Some(first.remove())
    }

    /// What became of all that came.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// SplitMix64: each number is drawn whether it is needed or not, so that another setting does not move the others.
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A datagram of `len` bytes comes.
    pub fn push(&mut self, datagram: T, len: usize, now: Time) {
        let Settings { loss, delay, jitter, reorder, rate } = self.settings;
        let (is_lost, is_overtaken, late) = (loss.takes(self.draw()), reorder.takes(self.draw()), self.draw());
        if is_lost {
            self.counts.lost += 1;
            return;
        }
        let begins = self.free.max(now);
        if begins.since(now) > LONGEST_QUEUE || self.waiting.len() >= MOST_WAITING {
            self.counts.dropped += 1;
            return;
        }
        let takes = rate.map_or(Duration::ZERO, |rate| {
            let bits = u64::try_from(len).unwrap_or(u64::MAX).saturating_mul(8);
            Duration::from_micros(bits.saturating_mul(1_000_000) / rate)
        });
        self.free = begins + takes;
        // From `delay - jitter` to `delay + jitter`.
        let span = u64::try_from(2 * jitter.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        let late = (delay + Duration::from_micros(late % span)).saturating_sub(jitter);
        let arrives = if is_overtaken {
            self.free + late + OVERTAKEN_BY
        } else {
            self.last = self.last.max(self.free + late);
            self.last
        };
        self.waiting.insert((arrives, self.next), datagram);
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 1000;

    fn settings(text: &str) -> Settings {
        text.parse::<Impair>().expect("well-formed").settings
    }

    /// Sends `n` datagrams, one each `step`; gives which came out, and the millisecond at which they did.
    fn run(text: &str, seed: u64, n: u64, step: Duration) -> (Vec<(u64, u64)>, Counts) {
        let start = Time::from_millis(1_000);
        let mut line = Impairment::new(settings(text), seed);
        let mut out = vec![];
        let mut arrive = |line: &mut Impairment<u64>, until: Time| {
            while line.due() < until {
                let due = line.due();
                out.extend(line.arrival(due).map(|datagram| (datagram, due.since(start).as_millis() as u64)));
            }
        };
        let mut now = start;
        for datagram in 0..n {
            arrive(&mut line, now);
            line.push(datagram, LEN, now);
            now += step;
        }
        arrive(&mut line, Time::MAX);
        (out, line.counts())
    }

    #[test]
    fn of_many_datagrams_the_given_share_is_lost_and_the_same_ones_by_the_same_seed() {
        let (out, counts) = run("loss=5%", 7, 20_000, Duration::from_millis(1));
        assert!((850..1150).contains(&counts.lost), "{counts:?}");
        assert_eq!((counts.passed + counts.lost, counts.dropped), (20_000, 0));
        assert_eq!(run("loss=5%", 7, 20_000, Duration::from_millis(1)).0, out);
        assert_ne!(run("loss=5%", 8, 20_000, Duration::from_millis(1)).0, out);
    }

    #[test]
    fn delay_moves_all_by_the_same_and_keeps_their_order() {
        let (out, _) = run("delay=100ms", 1, 3, Duration::from_millis(5));
        assert_eq!(out, [(0, 100), (1, 105), (2, 110)]);
    }

    #[test]
    fn jitter_varies_the_delay_within_its_bounds_and_keeps_the_order() {
        let (out, _) = run("delay=50ms,jitter=20ms", 3, 1000, Duration::from_millis(50));
        let late: Vec<u64> = out.iter().map(|(n, at)| at - n * 50).collect();
        assert!(late.iter().all(|late| (30..=70).contains(late)), "{late:?}");
        assert!(late.iter().min() < Some(&34) && late.iter().max() > Some(&66), "it uses the whole span");
        // Five times as close as they vary.
        let (out, _) = run("delay=50ms,jitter=20ms", 3, 1000, Duration::from_millis(4));
        assert!(out.is_sorted_by_key(|(n, _)| *n));
    }

    #[test]
    fn jitter_that_is_larger_than_the_delay_sends_nothing_into_the_past() {
        let (out, _) = run("delay=5ms,jitter=20ms", 3, 500, Duration::from_millis(50));
        assert!(out.iter().all(|(n, at)| (0..=25).contains(&(at - n * 50))));
    }

    #[test]
    fn some_are_overtaken_and_none_is_lost_of_it() {
        let (out, counts) = run("reorder=10%", 5, 2_000, Duration::from_millis(1));
        let overtaken = out.windows(2).filter(|pair| pair[1].0 < pair[0].0).count();
        assert!((120..280).contains(&overtaken), "{overtaken}");
        assert_eq!(counts, Counts { passed: 2_000, lost: 0, dropped: 0 });
    }

    #[test]
    fn a_rate_lets_so_many_bits_through_in_a_second_and_drops_what_would_wait_too_long() {
        // Twice as much as fits: 8 Mbit/s into 4.
        let (out, counts) = run("rate=4Mbit/s", 1, 2_000, Duration::from_millis(1));
        let within = out.iter().filter(|(_, at)| *at < 2_000).count();
        assert!((980..=1_001).contains(&within), "{within} datagrams of 8,000 bits in two seconds");
        assert!((850..=950).contains(&counts.dropped), "{counts:?}");
        let late = out.iter().map(|(n, at)| at - n).max();
        assert!((195..=205).contains(&late.unwrap_or(0)), "the queue is bounded: {late:?}");
    }

    #[test]
    fn a_rate_that_suffices_drops_nothing() {
        let (_, counts) = run("rate=9Mbit/s", 1, 2_000, Duration::from_millis(1));
        assert_eq!(counts, Counts { passed: 2_000, lost: 0, dropped: 0 });
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut line = Impairment::new(settings("delay=10s"), 1);
        for n in 0..2 * MOST_WAITING {
            line.push(n, LEN, Time::from_millis(1));
        }
        assert_eq!(line.waiting.len(), MOST_WAITING);
        assert_eq!(line.counts().dropped, MOST_WAITING as u64);
    }

    #[test]
    fn the_whole_form_is_read_and_what_is_wrong_is_named() {
        let read: Impair = "down:loss=2%,delay=100ms,jitter=20ms,reorder=1%,rate=5Mbit/s".parse().expect("well-formed");
        assert_eq!(read.direction, Some(Direction::Down));
        let expected = Settings {
            loss: "2%".parse().expect("share"),
            delay: Duration::from_millis(100),
            jitter: Duration::from_millis(20),
            reorder: "1%".parse().expect("share"),
            rate: Some(5_000_000),
        };
        assert_eq!(read.settings, expected);
        for (wrong, named) in [
            ("loss=2", "loss=2"),
            ("delay=x", "delay=x"),
            ("side:loss=1%", "side"),
            ("rate=0bit/s", "rate=0"),
            ("speed=1", "speed"),
            ("loss", "NAME=VALUE"),
        ] {
            let error = format!("{:#}", wrong.parse::<Impair>().expect_err(wrong));
            assert!(error.contains(named), "{error}");
        }
    }
}
