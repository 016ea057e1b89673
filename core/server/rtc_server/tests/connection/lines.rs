//! How fast a picture follows a line that narrows, widens, loses or is long. In the same scenes str0m's estimator, which the server had before, had the
//! large picture back after 16 s, took the long line for a narrow one, and the line that loses one in ten for three seconds.

use std::time::Duration;

use crate::rig::camera::{Camera, layer, watch};
use crate::rig::{Line, World};
use conclave_base::Time;

/// What came in one second.
#[derive(Debug, Clone, Copy)]
struct Second {
    /// The layer of most of it; none if hardly anything came.
    layer: Option<u8>,
    /// Frames of 20, whole ones.
    frames: u64,
    /// Of a thousand datagrams that were sent.
    lost: u64,
}

struct Scene {
    world: World,
    camera: Camera,
    watcher: usize,
}

impl Scene {
    /// A watcher of the large picture, on a line that carries all of it: 64, 480 or 1,600 kbit/s.
    fn new(line: Line) -> Self {
        let mut world = World::new();
        let mut camera = Camera::publish(&mut world);
        camera.packets = [1, 3, 10];
        let (watcher, _) = watch(&mut world);
        world.line = Some(Line { client: watcher, ..line });
        Self { world, camera, watcher }
    }

    fn line(&mut self) -> &mut Line {
        self.world.line.as_mut().expect("set at the beginning")
    }

    fn play(&mut self, seconds: u64) -> Vec<Second> {
        (0..seconds).map(|_| self.second()).collect()
    }

    fn second(&mut self) -> Second {
        (self.line().given, self.line().lost) = (0, 0);
        self.world.clients[self.watcher].packets.clear();
        self.camera.play(&mut self.world, 20);
        let (given, lost) = (self.line().given, self.line().lost);
        let packets = &self.world.clients[self.watcher].packets;
        let of = |wanted: u8| packets.iter().filter(|packet| layer(&packet.payload) == wanted).count() as u64;
        let frames = [0, 1, 2].map(|layer| of(layer) / self.camera.packets[usize::from(layer)]);
        let most = (0..3_u8).max_by_key(|layer| frames[usize::from(*layer)]).filter(|layer| frames[usize::from(*layer)] > 2);
        Second { layer: most, frames: frames.iter().sum(), lost: lost * 1000 / given.max(1) }
    }
}

const WIDE: Line = Line {
    client: 0,
    bits: 5_000_000,
    queue: Duration::from_millis(300),
    delay: Duration::from_millis(15),
    losses: 0,
    free: Time::ZERO,
    chance: 1,
    given: 0,
    lost: 0,
};

/// Seconds until the picture is of this layer and stays so for three.
fn until(seconds: &[Second], wanted: u8) -> usize {
    seconds.windows(3).position(|three| three.iter().all(|second| second.layer == Some(wanted))).unwrap_or(seconds.len())
}

fn share(seconds: &[Second], of: impl Fn(&Second) -> bool) -> usize {
    seconds.iter().filter(|second| of(second)).count() * 100 / seconds.len()
}

/// Shows it to whoever reads the test's output.
fn told(name: &str, seconds: &[Second]) {
    let row: String = seconds.iter().map(|second| second.layer.map_or('-', |layer| char::from(b'0' + layer))).collect();
    let frames = seconds.iter().map(|second| second.frames).sum::<u64>() / seconds.len() as u64;
    let lost = seconds.iter().map(|second| second.lost).sum::<u64>() / seconds.len() as u64;
    eprintln!("{name}: {row} {frames} frames a second, {lost} of 1000 lost");
}

#[test]
fn a_line_that_narrows_to_a_tenth_and_widens_again() {
    let mut scene = Scene::new(WIDE);
    let start = scene.play(10);
    told("5 Mbit/s", &start);
    assert!(until(&start, 2) <= 2, "{start:?}");
    scene.line().bits = 500_000;
    let narrow = scene.play(15);
    told("500 kbit/s", &narrow);
    scene.line().bits = 5_000_000;
    let wide = scene.play(30);
    told("5 Mbit/s again", &wide);
    assert!(share(&narrow[4..], |second| second.layer != Some(2)) == 100, "{narrow:?}");
    assert!(share(&narrow[4..], |second| second.frames >= 15) >= 80, "{narrow:?}");
    assert!(until(&wide, 2) <= 10, "{wide:?}");
}

#[test]
fn losses_by_chance() {
    for (losses, least) in [(10, 100), (100, 85)] {
        let mut scene = Scene::new(Line { losses, ..WIDE });
        let seconds = scene.play(30);
        told(&format!("{losses} of 1000 lost"), &seconds);
        let large = share(&seconds[3..], |second| second.layer == Some(2));
        assert!(large >= least, "{large} % of the seconds are large at {losses} of 1000 lost");
    }
}

#[test]
fn a_long_line() {
    let mut scene = Scene::new(Line { delay: Duration::from_millis(90), ..WIDE });
    let start = scene.play(10);
    told("200 ms there and back", &start);
    assert!(share(&start[2..], |second| second.layer == Some(2)) == 100, "{start:?}");
    scene.line().bits = 500_000;
    let narrow = scene.play(15);
    told("500 kbit/s, 200 ms", &narrow);
    scene.line().bits = 5_000_000;
    let wide = scene.play(30);
    told("5 Mbit/s again, 200 ms", &wide);
    assert!(until(&wide, 2) <= 10, "{wide:?}");
}
