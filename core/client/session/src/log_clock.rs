use std::time::Duration;

use conclave_base::Time;
use conclave_protocol::ws::LogTime;

/// Clocks are compared over this.
const WINDOW: Duration = Duration::from_secs(60);
/// They may part by this much in one window.
const DRIFT_MS: u64 = 5000;
/// What clocks may part by from entry to entry, of which some come each second.
const FOLLOWS_MS: u64 = 1;
/// And one of so many, of the time that passed between them.
const FOLLOWS: u64 = 8;

/// Whether the log's time, by which all rules are judged, runs as the own clock does.
///
/// An entry is read some time after the server took it, sometimes much later; so what is compared is the shortest way of each window.
#[derive(Debug, Default)]
pub(crate) struct LogClock {
    /// Since when, and the least that the own clock was ahead, in ms.
    window: Option<(Time, u64)>,
    /// The same of the window before.
    before: Option<u64>,
    /// The least that the own clock was ahead, in ms, more or less: it follows clocks that part slowly. And when it was looked at.
    least: Option<(u64, Time)>,
}

impl LogClock {
    /// Nothing is known any more: this client was away, or slept.
    pub(crate) fn reset(&mut self) {
        (self.window, self.before) = (None, None);
    }

    /// An entry was read, whenever it came. Gives whether it is of a time that the own clock has not reached, by far: that clock stood still.
    pub(crate) fn has_stood_still(&mut self, at: LogTime, now: Time) -> bool {
        let ahead = now.as_millis().saturating_sub(at.0);
        let (least, last) = self.least.unwrap_or((ahead, now));
        let stood_still = ahead + DRIFT_MS < least;
        // Not to what is read at one moment, after a sleep.
        let down = FOLLOWS_MS + now.as_millis().saturating_sub(last.as_millis()) / FOLLOWS;
        let follows = if stood_still { ahead } else { ahead.clamp(least.saturating_sub(down), least + FOLLOWS_MS) };
        self.least = Some((follows, now));
        stood_still
    }

    /// When, by the own clock, an entry of this log time was written, as far as is known: no later than now, and at the earliest by the least that
    /// the own clock was ahead. Without anything to go by, now.
    pub(crate) fn written(&self, at: LogTime, now: Time) -> Time {
        let ahead = self.window.map(|(_, least)| least).into_iter().chain(self.before).min();
        ahead.map_or(now, |ahead| now.min(Time::from_millis(at.0.saturating_add(ahead))))
    }

    /// An entry was read just after it came. Gives whether the clocks have parted.
    pub(crate) fn on_entry(&mut self, at: LogTime, now: Time) -> bool {
        let ahead = now.as_millis().saturating_sub(at.0);
        let (since, least) = self.window.map_or((now, ahead), |(since, least)| (since, least.min(ahead)));
        self.window = Some((since, least));
        if now < since + WINDOW {
            return false;
        }
        let parted = self.before.is_some_and(|before| before.abs_diff(least) > DRIFT_MS);
        (self.window, self.before) = (None, Some(least));
        parted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    /// An entry each second, read this much later; the server's clock runs at so many percent.
    fn parted(percent: u64, delay: impl Fn(u64) -> u64) -> bool {
        let mut clock = LogClock::default();
        (0..300).any(|second| {
            let at = LogTime(second * 10 * percent);
            clock.on_entry(at, Time::from_millis(START + second * 1000 + delay(second)))
        })
    }

    #[test]
    fn a_clock_that_runs_as_the_own_is_right_however_late_entries_are_read() {
        assert!(!parted(100, |_| 50));
        assert!(!parted(100, |second| if second % 10 == 0 { 50 } else { 20_000 }));
        assert!(!parted(107, |_| 50));
    }

    #[test]
    fn a_clock_that_stood_still_is_noticed_at_the_first_entry_and_one_that_runs_never() {
        let at = |seconds: u64| LogTime(seconds * 1000);
        let own = |seconds: u64| Time::from_millis(START + seconds * 1000);
        let mut clock = LogClock::default();
        assert!((0..60).all(|second| !clock.has_stood_still(at(second), own(second))));
        assert!((60..90).all(|second| !clock.has_stood_still(at(second), own(90))), "read late");
        clock.reset();
        assert!(!clock.has_stood_still(at(95), own(91)), "a little");
        assert!(clock.has_stood_still(at(130), own(92)));
        assert!(!clock.has_stood_still(at(131), own(93)), "that is known by now");
        let noticed = (132..150).find(|second| clock.has_stood_still(at(*second), own(94)));
        assert_eq!(noticed, Some(138), "one after the other, all at once");
    }

    #[test]
    fn what_is_read_late_was_written_when_the_log_says() {
        let own = |seconds: u64| Time::from_millis(START + seconds * 1000);
        let mut clock = LogClock::default();
        assert_eq!(clock.written(LogTime(0), own(7)), own(7), "nothing is known");
        clock.on_entry(LogTime(1000), own(1));
        clock.on_entry(LogTime(2000), own(12));
        assert_eq!(clock.written(LogTime(2000), own(12)), own(2));
        assert_eq!(clock.written(LogTime(90_000), own(12)), own(12), "never later than it is");
        assert_eq!(clock.written(LogTime(u64::MAX), own(12)), own(12));
    }

    #[test]
    fn a_clock_that_runs_faster_or_slower_or_stands_still_is_told() {
        for percent in [0, 50, 90, 110, 300] {
            assert!(parted(percent, |_| 50), "{percent}");
        }
    }
}
