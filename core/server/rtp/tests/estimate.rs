//! The estimator against a path with a queue, in virtual time: it finds what the path carries, follows it, and keeps the queue short.

use std::collections::VecDeque;
use std::time::Duration;

use conclave_base::Time;
use conclave_rtp::rtcp::{Compound, Message, Writer};
use conclave_rtp::{Arrivals, Bounds, Estimator, Sent};

const BOUNDS: Bounds = Bounds { least: 50_000, most: 20_000_000 };
const PACKET: usize = 1200;

/// A bottleneck: so many bits a second, a queue before it, and a way that takes its time and loses some.
#[derive(Debug, Clone, Copy)]
struct Link {
    bits: u64,
    delay: Duration,
    /// Each packet up to so much later, as chance has it.
    jitter: Duration,
    /// Of a thousand.
    losses: u64,
    /// Longest queue.
    queue: Duration,
}

const LINK: Link =
    Link { bits: 5_000_000, delay: Duration::from_millis(20), jitter: Duration::ZERO, losses: 0, queue: Duration::from_millis(300) };

/// A sender that sends at the rate of its estimate, in bursts of a frame, and a receiver that tells twenty times a second.
struct Simulation {
    now: Time,
    estimator: Estimator,
    sent: Sent,
    arrivals: Arrivals,
    /// When the bottleneck is free again.
    free: Time,
    /// In order of arrival.
    under_way: VecDeque<(Time, u16)>,
    feedback: VecDeque<(Time, Vec<u8>)>,
    owed: f64,
    chance: u64,
    /// Of the packets of the last step of the test.
    waited: Vec<Duration>,
    /// What a picture has to say at most; none is without bound.
    demand: Option<u64>,
    probe: u8,
}

impl Simulation {
    fn new(start: u64) -> Self {
        Self {
            now: Time::from_millis(10_000),
            estimator: Estimator::new(start, BOUNDS),
            sent: Sent::default(),
            arrivals: Arrivals::default(),
            free: Time::ZERO,
            under_way: VecDeque::new(),
            feedback: VecDeque::new(),
            owed: 0.0,
            chance: 1,
            waited: Vec::new(),
            demand: None,
            probe: 0,
        }
    }

    /// A number below `below`.
    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn send(&mut self, link: Link, probe: u8) {
        let seq = self.sent.push(PACKET, probe, self.now);
        let waits = self.free - self.now;
        let is_lost = self.draw(1000) < link.losses || waits > link.queue;
        if is_lost {
            return;
        }
        let takes = Duration::from_secs_f64(PACKET as f64 * 8.0 / link.bits as f64);
        self.free = self.free.max(self.now) + takes;
        self.waited.push(waits);
        let jitter = Duration::from_micros(self.draw(link.jitter.as_micros() as u64 + 1));
        let arrives = self.free + link.delay + jitter;
        // Jitter does not reorder: what waits for somebody waits for all.
        let arrives = self.under_way.back().map_or(arrives, |(last, _)| arrives.max(*last));
        self.under_way.push_back((arrives, seq));
    }

    fn run(&mut self, link: Link, span: Duration) {
        self.waited.clear();
        let end = self.now + span;
        let mut step = 0_u64;
        while self.now < end {
            self.now += Duration::from_millis(1);
            step += 1;
            let rate = self.estimator.estimate().min(self.demand.unwrap_or(u64::MAX));
            if step.is_multiple_of(33) {
                self.owed += rate as f64 * 0.033 / 8.0;
                while self.owed >= PACKET as f64 {
                    self.owed -= PACKET as f64;
                    self.send(link, 0);
                }
            }
            while let Some((_, seq)) = self.under_way.pop_front_if(|(at, _)| *at <= self.now) {
                // By a clock that shows another time.
                self.arrivals.on_packet(seq, self.now + Duration::from_secs(77));
            }
            if step.is_multiple_of(50) && self.arrivals.is_pending() {
                let mut bytes = vec![0; 1200];
                let mut writer = Writer::new(&mut bytes);
                self.arrivals.write(1, 2, &mut writer).expect("room");
                let len = writer.len();
                bytes.truncate(len);
                self.feedback.push_back((self.now + link.delay, bytes));
            }
            while let Some((_, bytes)) = self.feedback.pop_front_if(|(at, _)| *at <= self.now) {
                for message in Compound::read(&bytes) {
                    let Ok(Message::TransportWide(feedback)) = message else { panic!("no feedback") };
                    self.sent.apply(feedback, self.now, |outcome| self.estimator.on_outcome(outcome));
                }
                self.estimator.on_round_trip(link.delay * 2);
                self.estimator.on_feedback(self.now);
            }
        }
    }

    /// Ten packets at `bits`, one by one.
    fn probe(&mut self, link: Link, bits: u64) {
        self.probe += 1;
        let probe = self.probe;
        for _ in 0..10 {
            self.send(link, probe);
            self.now += Duration::from_secs_f64(PACKET as f64 * 8.0 / bits as f64);
        }
    }

    fn kilobits(&self) -> u64 {
        self.estimator.estimate() / 1000
    }

    fn p95_wait(&mut self) -> Duration {
        self.waited.sort_unstable();
        self.waited[self.waited.len() * 95 / 100]
    }
}

#[test]
fn it_finds_what_the_path_carries_and_keeps_its_queue_short() {
    let mut simulation = Simulation::new(1_000_000);
    simulation.run(LINK, Duration::from_secs(60));
    assert!((3_500..=5_500).contains(&simulation.kilobits()), "{} kbit/s", simulation.kilobits());
    simulation.run(LINK, Duration::from_secs(60));
    assert!(simulation.p95_wait() < Duration::from_millis(100), "{:?}", simulation.p95_wait());
    assert!(simulation.waited.len() as f64 * PACKET as f64 * 8.0 / 60.0 > 0.7 * 5e6, "{} packets", simulation.waited.len());
}

#[test]
fn it_follows_a_path_that_narrows_and_widens() {
    let mut simulation = Simulation::new(4_000_000);
    simulation.run(LINK, Duration::from_secs(20));
    let narrow = Link { bits: 500_000, ..LINK };
    simulation.run(narrow, Duration::from_secs(3));
    assert!(simulation.kilobits() < 600, "{} kbit/s three seconds after", simulation.kilobits());
    simulation.run(narrow, Duration::from_secs(20));
    assert!((300..=600).contains(&simulation.kilobits()), "{} kbit/s", simulation.kilobits());
    assert!(simulation.p95_wait() < Duration::from_millis(150), "{:?}", simulation.p95_wait());
    simulation.run(LINK, Duration::from_secs(60));
    assert!(simulation.kilobits() > 2_500, "{} kbit/s a minute after", simulation.kilobits());
}

#[test]
fn a_probe_finds_at_once_what_would_take_a_minute() {
    let mut simulation = Simulation::new(500_000);
    simulation.run(LINK, Duration::from_secs(3));
    assert!(simulation.kilobits() < 1_000, "{} kbit/s", simulation.kilobits());
    simulation.probe(LINK, 4_000_000);
    simulation.run(LINK, Duration::from_millis(300));
    assert!((3_000..=4_400).contains(&simulation.kilobits()), "{} kbit/s after a probe", simulation.kilobits());
    // Above what the path carries, the path says so.
    simulation.probe(LINK, 20_000_000);
    simulation.run(LINK, Duration::from_secs(2));
    assert!(simulation.kilobits() < 5_600, "{} kbit/s after a probe that is too fast", simulation.kilobits());
}

#[test]
fn a_few_losses_by_chance_do_not_slow_it_down_and_many_do() {
    let mut simulation = Simulation::new(3_000_000);
    simulation.run(Link { losses: 10, ..LINK }, Duration::from_secs(60));
    assert!(simulation.kilobits() > 3_000, "{} kbit/s at 1 %", simulation.kilobits());
    simulation.run(Link { losses: 300, ..LINK }, Duration::from_secs(10));
    assert!(simulation.kilobits() < 1_500, "{} kbit/s at 30 %", simulation.kilobits());
}

#[test]
fn jitter_is_no_congestion() {
    let mut simulation = Simulation::new(2_000_000);
    simulation.run(Link { jitter: Duration::from_millis(30), ..LINK }, Duration::from_secs(60));
    assert!(simulation.kilobits() > 1_500, "{} kbit/s", simulation.kilobits());
}

#[test]
fn a_long_way_is_no_congestion() {
    let mut simulation = Simulation::new(1_000_000);
    simulation.run(Link { delay: Duration::from_millis(150), ..LINK }, Duration::from_secs(90));
    assert!(simulation.kilobits() > 3_000, "{} kbit/s", simulation.kilobits());
}

#[test]
fn who_sends_little_is_not_believed_to_carry_much() {
    let mut simulation = Simulation::new(1_000_000);
    simulation.demand = Some(300_000);
    simulation.run(LINK, Duration::from_secs(120));
    assert!((450..1_500).contains(&simulation.kilobits()), "{} kbit/s", simulation.kilobits());
}

#[test]
fn it_stays_between_its_bounds() {
    let mut simulation = Simulation::new(1_000_000);
    simulation.run(Link { losses: 900, ..LINK }, Duration::from_secs(60));
    assert_eq!(simulation.estimator.estimate(), BOUNDS.least);
    let mut simulation = Simulation::new(u64::MAX);
    simulation.run(Link { bits: 1_000_000_000, ..LINK }, Duration::from_secs(5));
    assert_eq!(simulation.estimator.estimate(), BOUNDS.most);
}
