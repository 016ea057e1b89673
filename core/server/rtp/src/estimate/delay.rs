//! Whether queues grow: how the delay of groups of packets changes from one to the next (draft-ietf-rmcat-gcc-02, sections 5.1 to 5.4).

use conclave_base::Time;

use super::millis;

/// Packets that leave within this long, in milliseconds, are one group (the draft's burst_time).
const BURST: f64 = 5.0;
/// A group that arrives for longer than this is no burst.
const LONGEST_GROUP: f64 = 100.0;
/// Groups that the line is laid through.
const POINTS: usize = 20;
/// How much of the delay so far stays when a new one comes.
const SMOOTHING: f64 = 0.9;
/// A slope becomes milliseconds by this, and by how many groups there were, up to `MOST_GROUPS`.
const GAIN: f64 = 4.0;
const MOST_GROUPS: u32 = 60;
/// The draft's del_var_th(0), in milliseconds, and its bounds.
const THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);
/// How fast the threshold follows the trend up and down (K_u and K_d), for each millisecond.
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;
/// The threshold does not follow what is further above it than this.
const OUTLIER: f64 = 15.0;
/// For how long the trend has to be above it (overuse_time_th), in milliseconds.
const OVERUSE_TIME: f64 = 10.0;
/// A pause or a leap of either clock, after which everything begins anew, in milliseconds.
const LEAP: f64 = 3000.0;

/// What the detector says of the path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Usage {
    #[default]
    Normal,
    /// Queues grow.
    Over,
    /// Queues drain.
    Under,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Time,
    last_sent: Time,
    first_arrived: Time,
    last_arrived: Time,
}

impl Group {
    fn of(sent: Time, arrived: Time) -> Self {
        Self { first_sent: sent, last_sent: sent, first_arrived: arrived, last_arrived: arrived }
    }

    fn takes(&self, sent: Time, arrived: Time) -> bool {
        if millis(self.first_sent, sent) <= BURST {
            return true;
        }
        // Packets that waited together arrive together, however they left.
        let since = millis(self.last_arrived, arrived);
        let gathers = since - millis(self.last_sent, sent) < 0.0;
        gathers && since <= BURST && millis(self.first_arrived, arrived) < LONGEST_GROUP
    }

    fn add(&mut self, sent: Time, arrived: Time) {
        self.last_sent = self.last_sent.max(sent);
        self.last_arrived = self.last_arrived.max(arrived);
    }
}

#[derive(Debug, Default)]
pub(super) struct Delay {
    group: Option<Group>,
    before: Option<Group>,
    line: Line,
    detector: Detector,
}

impl Delay {
    pub(super) fn usage(&self) -> Usage {
        self.detector.usage
    }

    pub(super) fn on_packet(&mut self, sent: Time, arrived: Time) {
        let Some(group) = &mut self.group else {
            self.group = Some(Group::of(sent, arrived));
            return;
        };
        let (since_sent, since_arrived) = (millis(group.last_sent, sent), millis(group.last_arrived, arrived));
        if since_sent.abs() > LEAP || since_arrived.abs() > LEAP {
            *self = Self { group: Some(Group::of(sent, arrived)), ..Self::default() };
            return;
        }
        if sent < group.first_sent {
            return;
        }
        if group.takes(sent, arrived) {
            group.add(sent, arrived);
            return;
        }
        let done = std::mem::replace(group, Group::of(sent, arrived));
        if let Some(before) = self.before.replace(done) {
            let sent = millis(before.last_sent, done.last_sent);
            let arrived = millis(before.last_arrived, done.last_arrived);
            if let Some(trend) = self.line.add(arrived - sent, done.last_arrived) {
                self.detector.update(trend, sent, done.last_arrived);
            }
        }
    }
}

/// The least-squares line through the smoothed delay of the last groups, over their time of arrival.
#[derive(Debug, Default)]
struct Line {
    points: [(f64, f64); POINTS],
    groups: u32,
    delay: f64,
    smoothed: f64,
    start: Option<Time>,
}

impl Line {
    /// The trend in milliseconds, once there are enough groups.
    fn add(&mut self, change: f64, arrived: Time) -> Option<f64> {
        let start = *self.start.get_or_insert(arrived);
        self.delay += change;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        self.points[self.groups as usize % POINTS] = (millis(start, arrived), self.smoothed);
        self.groups = self.groups.wrapping_add(1);
        let enough = self.groups as usize >= POINTS;
        enough.then(|| f64::from(self.groups.min(MOST_GROUPS)) * self.slope() * GAIN)
    }

    fn slope(&self) -> f64 {
        let count = POINTS as f64;
        let (x, y) = self.points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let (over, under) = self.points.iter().fold((0.0, 0.0), |(over, under), point| {
            let from = point.0 - x;
            (over + from * (point.1 - y), under + from * from)
        });
        if under > 0.0 { over / under } else { 0.0 }
    }
}

/// Compares the trend with a threshold that follows it (sections 5.3 and 5.4).
#[derive(Debug)]
struct Detector {
    threshold: f64,
    usage: Usage,
    /// For how long the trend has been above, in milliseconds, and for how many groups.
    over: f64,
    groups: u32,
    trend: f64,
    at: Option<Time>,
}

impl Default for Detector {
    fn default() -> Self {
        Self { threshold: THRESHOLD, usage: Usage::Normal, over: 0.0, groups: 0, trend: 0.0, at: None }
    }
}

impl Detector {
    fn update(&mut self, trend: f64, since: f64, now: Time) {
        if trend > self.threshold {
            self.over += if self.groups == 0 { since / 2.0 } else { since };
            self.groups = self.groups.saturating_add(1);
            if self.over > OVERUSE_TIME && self.groups > 1 && trend >= self.trend {
                (self.over, self.groups, self.usage) = (0.0, 0, Usage::Over);
            }
        } else {
            (self.over, self.groups) = (0.0, 0);
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.trend = trend;
        let above = trend.abs() - self.threshold;
        if above <= OUTLIER {
            let elapsed = self.at.map_or(0.0, |at| millis(at, now)).clamp(0.0, 100.0);
            let follow = if above < 0.0 { FOLLOW_DOWN } else { FOLLOW_UP };
            self.threshold = (self.threshold + follow * above * elapsed).clamp(THRESHOLDS.0, THRESHOLDS.1);
        }
        self.at = Some(now);
    }
}
