use std::time::Duration;

use conclave_base::Time;
use conclave_protocol::ws::LogTime;

use crate::screen::Screen;
use crate::snapshot::NoticeKind;

/// So long before the end it is told, and again.
const TOLD: [Duration; 2] = [Duration::from_secs(5 * 60), Duration::from_secs(60)];
/// What is known of the log's clock may be late by this.
const ABOUT: Duration = Duration::from_secs(5);

/// When the time of the session is over, as the server said that it would be: by the log's clock, which is everybody's.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// How much of the log's time there is.
    lasts: Option<Duration>,
    /// The least that the own clock was ahead of the log's, in ms; it follows clocks that part slowly.
    ahead: Option<u64>,
    /// How often it was told.
    told: usize,
}

impl Ending {
    /// What the server says of the meeting, in ms.
    pub(crate) fn set(&mut self, lasts: Option<u64>) {
        self.lasts = lasts.map(Duration::from_millis);
    }

    /// Another log begins.
    pub(crate) fn reset(&mut self, screen: &mut Screen) {
        (self.ahead, self.told) = (None, 0);
        screen.set(|s| &mut s.ends_at, None);
    }

    /// An entry was read, whenever it came.
    pub(crate) fn on_entry(&mut self, at: LogTime, now: Time) {
        let ahead = now.as_millis().saturating_sub(at.0);
        self.ahead = Some(self.ahead.map_or(ahead, |least| ahead.min(least.saturating_add(1))));
    }

    fn ends_at(&self) -> Option<Time> {
        self.ahead.zip(self.lasts).map(|(ahead, lasts)| Time::from_millis(ahead) + lasts)
    }

    /// Whether the time is over, as far as is known.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.ends_at().is_some_and(|ends_at| now + ABOUT >= ends_at)
    }

    /// Tells of the end, once that is due.
    pub(crate) fn run(&mut self, screen: &mut Screen, now: Time) {
        let Some(ends_at) = self.ends_at() else { return };
        let left = ends_at.since(now);
        let due = TOLD.iter().take_while(|before| left <= **before).count();
        if due > self.told {
            self.told = due;
            let at = crate::screen::millis(ends_at);
            screen.set(|s| &mut s.ends_at, Some(at));
            let minutes = (left + Duration::from_secs(30)).as_secs() / 60;
            screen.notice(NoticeKind::Ends { minutes: u32::try_from(minutes).unwrap_or(u32::MAX), at }, now);
        }
    }

    /// When something is due next.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let before = TOLD.get(self.told).copied().unwrap_or_default();
        self.ends_at().map(|ends_at| ends_at - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;
    const MINUTE: u64 = 60_000;

    fn own(ms: u64) -> Time {
        Time::from_millis(START + ms)
    }

    /// What is told in a session of so many ms, of which an entry is read each second from `from` on; with the moments, by the log's clock.
    fn told(lasts: u64, from: u64, delay: impl Fn(u64) -> u64) -> Vec<(u32, u64)> {
        let (mut ending, mut screen) = (Ending::default(), Screen::default());
        ending.set(Some(lasts));
        let mut told = Vec::new();
        for at in (from..lasts).step_by(1000) {
            ending.on_entry(LogTime(at), own(at + delay(at)));
            ending.run(&mut screen, own(at));
            told.resize(screen.snapshot.notices.len(), at);
        }
        let minutes = screen.snapshot.notices.iter().map(|notice| {
            let NoticeKind::Ends { minutes, .. } = notice.what else { panic!("{notice:?}") };
            minutes
        });
        minutes.zip(told).collect()
    }

    #[test]
    fn the_end_is_told_five_minutes_and_one_minute_before() {
        assert_eq!(told(60 * MINUTE, 0, |_| 0), [(5, 55 * MINUTE), (1, 59 * MINUTE)]);
        assert_eq!(told(60 * MINUTE, 0, |at| if at % 7000 == 0 { 40 } else { 20_000 }), [(5, 55 * MINUTE + 1000), (1, 59 * MINUTE + 1000)]);
    }

    #[test]
    fn whoever_comes_late_or_to_a_short_session_is_told_what_is_left() {
        assert_eq!(told(60 * MINUTE, 56 * MINUTE + 40_000, |_| 0), [(3, 56 * MINUTE + 40_000), (1, 59 * MINUTE)]);
        assert_eq!(told(60 * MINUTE, 59 * MINUTE + 50_000, |_| 0), [(0, 59 * MINUTE + 50_000)]);
        assert_eq!(told(2 * MINUTE, 0, |_| 0), [(2, 0), (1, MINUTE)]);
    }

    #[test]
    fn it_is_due_when_it_is_told_and_over_no_sooner_than_it_is() {
        let (mut ending, mut screen) = (Ending::default(), Screen::default());
        assert_eq!((ending.deadline(), ending.is_over(Time::MAX)), (None, false), "a session without end");
        ending.set(Some(60 * MINUTE));
        assert_eq!((ending.deadline(), ending.is_over(Time::MAX)), (None, false), "nothing is known of its clock");
        ending.on_entry(LogTime(1000), own(1000));
        for due in [55 * MINUTE, 59 * MINUTE, 60 * MINUTE] {
            assert_eq!(ending.deadline(), Some(own(due)));
            ending.run(&mut screen, own(due));
        }
        assert!(!ending.is_over(own(59 * MINUTE + 54_000)) && ending.is_over(own(60 * MINUTE)));
        assert_eq!(screen.snapshot.ends_at, Some((START + 60 * MINUTE) as f64));
        ending.reset(&mut screen);
        assert_eq!((screen.snapshot.ends_at, ending.is_over(own(60 * MINUTE))), (None, false), "another log has its own time");
    }
}
