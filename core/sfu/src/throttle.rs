use std::time::Duration;

use base::Time;

/// No layer is asked for key frames more often than this: each costs its publisher many times a usual frame.
pub(crate) const KEY_FRAME_SPACING: Duration = Duration::from_millis(500);

/// When to ask a layer for a key frame, however many subscribers want one.
#[derive(Debug, Default)]
pub(crate) struct KeyFrameThrottle {
    asked: Option<Time>,
    wanted: bool,
}

impl KeyFrameThrottle {
    /// Somebody wants one.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// One came: what was wanted is there.
    pub(crate) fn came(&mut self) {
        self.wanted = false;
    }

    /// Whether to ask now; if so, it counts as asked.
    pub(crate) fn due(&mut self, now: Time) -> bool {
        let due = self.wanted && self.asked.is_none_or(|at| now - at >= KEY_FRAME_SPACING);
        if due {
            self.asked = Some(now);
            self.wanted = false;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_are_spaced_and_none_is_forgotten() {
        let mut throttle = KeyFrameThrottle::default();
        assert!(!throttle.due(Time::from_millis(0)), "nobody wants one");
        throttle.want();
        assert!(throttle.due(Time::from_millis(0)));
        throttle.want();
        assert!(!throttle.due(Time::from_millis(499)), "too soon");
        assert!(throttle.due(Time::from_millis(500)), "still wanted");
        throttle.want();
        throttle.came();
        assert!(!throttle.due(Time::from_millis(2000)), "it came meanwhile");
    }
}
