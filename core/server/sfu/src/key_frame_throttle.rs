use std::time::Duration;

use conclave_base::Time;

/// No layer is asked for key frames more often than this: each costs its publisher many times a usual frame. Browsers make none sooner.
pub(crate) const KEY_FRAME_SPACING: Duration = Duration::from_millis(300);

/// How often a key frame is asked for on one demand: request and key frame may be lost, and the subscriber may have left.
const ASKS: u8 = 3;

/// When to ask a layer for a key frame, however many subscribers want one.
#[derive(Debug, Default)]
pub(crate) struct KeyFrameThrottle {
    asked: Option<Time>,
    /// How often it is still to be asked for.
    left: u8,
}

impl KeyFrameThrottle {
    /// A subscriber wants one.
    pub(crate) fn want(&mut self) {
        self.left = ASKS;
    }

    /// One came: what was wanted is there.
    pub(crate) fn on_key_frame(&mut self) {
        self.left = 0;
    }

    /// Whether to ask now: one is wanted, and did not come since it was last asked for.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.left > 0 && self.asked.is_none_or(|at| now - at >= KEY_FRAME_SPACING)
    }

    /// It was asked for.
    pub(crate) fn on_request(&mut self, now: Time) {
        self.asked = Some(now);
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_are_spaced_and_go_on_for_a_while_until_one_came() {
        let at = Time::from_millis;
        let mut throttle = KeyFrameThrottle::default();
        assert!(!throttle.is_due(at(0)), "nobody demands one");
        throttle.want();
        assert!(throttle.is_due(at(0)));
        throttle.on_request(at(0));
        throttle.want();
        assert!(!throttle.is_due(at(299)), "too soon");
        assert!(throttle.is_due(at(300)), "none came");
        throttle.on_request(at(300));
        throttle.on_key_frame();
        assert!(!throttle.is_due(at(2000)), "it came");
        throttle.want();
        for ask in 0..3 {
            assert!(throttle.is_due(at(2000 + ask * 300)));
            throttle.on_request(at(2000 + ask * 300));
        }
        assert!(!throttle.is_due(at(5000)), "whoever wanted it does not say so any more");
    }
}
