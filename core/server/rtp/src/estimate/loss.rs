//! What losses allow (draft-ietf-rmcat-gcc-02, section 6).

use std::time::Duration;

use conclave_base::Time;

/// Above this share of losses the rate goes down; below the other one it goes up.
const MANY: f64 = 0.10;
const FEW: f64 = 0.02;
/// Up by this, once a second.
const UP: f64 = 1.05;
/// Packets that a share is taken of.
const ENOUGH: u32 = 20;
/// No limit at all lies this far above what delays allow.
const HEADROOM: f64 = 2.0;

#[derive(Debug)]
pub(super) struct Losses {
    bits: f64,
    packets: u32,
    lost: u32,
    changed: Option<Time>,
}

impl Losses {
    pub(super) fn new(start: f64) -> Self {
        Self { bits: start * HEADROOM, packets: 0, lost: 0, changed: None }
    }

    pub(super) fn bits(&self) -> f64 {
        self.bits
    }

    pub(super) fn on_packet(&mut self, is_lost: bool) {
        self.packets = self.packets.saturating_add(1);
        self.lost = self.lost.saturating_add(u32::from(is_lost));
    }

    pub(super) fn on_probe(&mut self, reached: f64) {
        self.bits = self.bits.max(reached);
    }

    /// `by_delay` is what delays allow.
    pub(super) fn update(&mut self, by_delay: f64, rtt: Duration, now: Time) {
        let since = now - *self.changed.get_or_insert(now);
        if self.packets < ENOUGH {
            return;
        }
        let share = f64::from(self.lost) / f64::from(self.packets);
        // Not before what was changed last can show.
        if share > MANY && since > rtt + Duration::from_millis(300) {
            self.bits = self.bits.min(by_delay) * (1.0 - 0.5 * share);
        } else if since > Duration::from_secs(1) {
            if share < FEW {
                self.bits = (self.bits * UP).max(self.bits + 1000.0).min(by_delay * HEADROOM);
            }
        } else {
            return;
        }
        (self.packets, self.lost, self.changed) = (0, 0, Some(now));
    }

    pub(super) fn clamp(&mut self, least: f64, most: f64) {
        self.bits = self.bits.clamp(least, most);
    }
}
