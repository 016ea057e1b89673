//! When things were recorded, by the reports of who recorded them: what keeps sound and picture together.

use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::rtcp::SenderInfo;

/// Clocks drift apart: what was found longer ago than twice this no longer counts.
const WINDOW: Duration = Duration::from_secs(30);
/// Whoever says that it recorded something longer ago is not believed.
const LONGEST_WAY: Duration = Duration::from_secs(2);
/// Seconds from the beginning of NTP's era to that of Unix.
const ERA: u64 = 2_208_988_800;

/// The moment as NTP has it (RFC 3550, section 4). Our times count from 1970.
pub(super) fn ntp(now: Time) -> u64 {
    let (seconds, micros) = (now.as_micros() / 1_000_000, now.as_micros() % 1_000_000);
    (seconds + ERA) << 32 | (micros << 32).div_ceil(1_000_000)
}

fn micros(ntp: u64) -> i64 {
    let fraction = ((ntp & 0xffff_ffff) * 1_000_000) >> 32;
    ((ntp >> 32) * 1_000_000 + fraction).cast_signed()
}

/// How far the other side's clock is behind ours, with the shortest way of a report: one for all its streams.
#[derive(Debug, Default)]
pub(super) struct RemoteClock {
    current: Option<i64>,
    before: Option<i64>,
    since: Time,
}

impl RemoteClock {
    pub(super) fn on_report(&mut self, report: &SenderInfo, now: Time) {
        let behind = now.as_micros().cast_signed() - micros(report.ntp);
        if now - self.since > WINDOW {
            (self.before, self.since) = (self.current.take(), now);
        }
        self.current = Some(self.current.map_or(behind, |least| least.min(behind)));
    }

    /// When the stream of `report` recorded what has this timestamp, by our clock; not after `now`.
    pub(super) fn recorded(&self, report: Option<&SenderInfo>, timestamp: u32, rate: u32, now: Time) -> Time {
        let behind = self.current.into_iter().chain(self.before).min();
        let (Some(behind), Some(report)) = (behind, report) else { return now };
        let ticks = i64::from(timestamp.wrapping_sub(report.timestamp).cast_signed());
        let at = micros(report.ntp) + ticks * 1_000_000 / i64::from(rate) + behind;
        let at = Time::from_micros(u64::try_from(at).unwrap_or_default());
        if now - at > LONGEST_WAY { now } else { at.min(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_side_share_its_clock() {
        let mut clock = RemoteClock::default();
        let at = Time::from_millis;
        assert_eq!(clock.recorded(None, 5, 90_000, at(100_000)), at(100_000), "nothing is known");
        // Theirs is 70 s behind; the first report took 80 ms, the second 20 ms.
        let sound = SenderInfo { ntp: ntp(at(30_000)), timestamp: 48_000, ..SenderInfo::default() };
        clock.on_report(&sound, at(100_080));
        let picture = SenderInfo { ntp: ntp(at(30_500)), timestamp: 9000, ..SenderInfo::default() };
        clock.on_report(&picture, at(100_520));
        let recorded = |report, timestamp, rate, now| clock.recorded(Some(report), timestamp, rate, at(now)).as_millis();
        assert_eq!(recorded(&sound, 48_000 + 48 * 600, 48_000, 101_000), 100_620);
        assert_eq!(recorded(&picture, 9000 + 90 * 100, 90_000, 101_300), 100_620);
        assert_eq!(recorded(&picture, 9000 - 90 * 100, 90_000, 101_300), 100_420, "before the report");
        assert_eq!(recorded(&picture, 9000 + 90 * 5000, 90_000, 101_300), 101_300, "not after it came");
        assert_eq!(recorded(&picture, 9000, 90_000, 109_000), 109_000, "nothing is under way for so long");
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let mut clock = RemoteClock::default();
        let report = |ms| SenderInfo { ntp: ntp(Time::from_millis(ms)), ..SenderInfo::default() };
        for minute in 0..10 {
            // It loses 100 ms a minute.
            clock.on_report(&report(minute * 60_000), Time::from_millis(minute * 60_100 + 7_000));
        }
        let last = report(540_000);
        assert_eq!(clock.recorded(Some(&last), 0, 90_000, Time::from_millis(548_000)).as_millis(), 547_800);
    }
}
