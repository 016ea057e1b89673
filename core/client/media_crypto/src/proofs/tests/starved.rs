//! Machines that stand still and lines that break, for as long as it pleases them: what one who receives a camera then says against its honest sender.

use super::*;

/// Milliseconds from picture to picture.
const STEP: u64 = 33;
/// Pictures after which one of them all happens.
const QUIET: u64 = 200;

/// What happens to a sender, its line and its receiver.
#[derive(Debug, Default)]
struct Troubles {
    /// Until when the sender seals nothing; then all at once.
    stalled: u64,
    /// Until when the camera is off.
    off: u64,
    /// Until when nothing passes; most of it comes then.
    cut: u64,
    /// Until when a layer is paused, since nobody watches it.
    paused: [u64; 3],
    /// The encoder began anew: its layers have other numbers.
    encoder: u32,
}

impl Troubles {
    /// Which layers begin anew.
    fn happen(&mut self, ms: u64, mut dice: impl FnMut(u64) -> u64) -> [bool; 3] {
        match dice(QUIET) {
            0 => self.stalled = ms + dice(3_000),
            1 => self.off = ms + dice(10_000),
            2 | 3 => self.cut = ms + dice(2_500),
            4 => self.encoder += 10,
            5 | 6 => self.paused[dice(3) as usize] = ms + dice(15_000),
            7 => return [true; 3],
            8..13 => {
                let wanted = dice(3);
                return [0, 1, 2].map(|layer| layer == wanted);
            }
            _ => return [false; 3],
        }
        [ms < self.off || self.encoder > 0; 3]
    }
}

/// What comes over the line.
enum Arrival {
    Frame(Vec<u8>),
    Epoch(u64),
}

/// Forty seconds of a camera in three layers, of which the receiver gets one after the other.
fn receive(seed: u64) -> World {
    let mut world = World::new();
    let mut dice = dice(seed);
    let (loss, mut troubles, mut line) = (dice(20), Troubles::default(), Vec::new());
    let (mut current, mut wanted, mut change, mut begins) = (0, 0, 500, [true; 3]);
    let (mut epoch, mut next_epoch) = (1, 5_000);
    let mut sealed_last = 0;
    for ms in (0..40_000).step_by(STEP as usize) {
        let anew = troubles.happen(ms, &mut dice);
        if ms >= change {
            (wanted, change) = (dice(3) as usize, ms + 300 + dice(4_000));
            begins[wanted] = true;
        }
        if ms >= next_epoch {
            (epoch, next_epoch) = (epoch + 1, ms + 500 + dice(8_000));
            world.amara.add_epoch(keys(epoch, &ALL, 0), at(ms)).expect("newer");
            world.amara.seal_with(Epoch(epoch)).expect("installed");
            line.push((ms + dice(400), Arrival::Epoch(epoch)));
        }
        for layer in 0..3 {
            begins[layer] |= anew[layer] || ms < troubles.off || ms < troubles.paused[layer];
        }
        if ms < troubles.off {
            continue;
        }
        let now = ms.max(troubles.stalled).max(sealed_last);
        sealed_last = now;
        for layer in (0..3).filter(|layer| ms >= troubles.paused[*layer]) {
            let begins = std::mem::take(&mut begins[layer]);
            let sealed = world.picture(troubles.encoder + layer as u32, if begins { KEY } else { DELTA }, now);
            if begins && wanted == layer {
                current = layer;
            }
            let arrives = match (now < troubles.cut, dice(100) < loss) {
                (true, _) => troubles.cut + 20 + dice(300),
                // Sent again, more often than once if the machine has no time for it.
                (false, true) => now + 40 + if dice(3) == 0 { dice(3_000) } else { dice(300) },
                (false, false) => now + 20 + dice(10),
            };
            let is_lost = arrives > now + 30 && dice(4) == 0;
            if layer == current && !is_lost {
                line.push((arrives, Arrival::Frame(sealed)));
            }
        }
    }
    line.sort_by_key(|(at, _)| *at);

    let (mut busy, mut now) = (0, 0);
    for (ms, arrival) in line {
        if dice(300) == 0 {
            busy = ms + dice(3_000);
        }
        now = ms.max(busy).max(now);
        match arrival {
            Arrival::Epoch(epoch) => world.bela.add_epoch(keys(epoch, &ALL, 1), at(now)).expect("newer"),
            Arrival::Frame(sealed) => match world.bela.open(track(0, Source::Camera), Codec::Vp8, &sealed, at(now)) {
                Ok(_) | Err(OpenError::EpochUnknown | OpenError::Expired | OpenError::TooLate) => {}
                Err(other) => panic!("seed {seed}: {other:?}"),
            },
        }
        while let Some(FrameReport::Proof { proof, .. }) = world.bela.poll_proof() {
            world.told.push((now, proof));
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nobody_is_called_a_forger_and_nothing_a_replay(seed in any::<u64>()) {
        let told = receive(seed).told;
        prop_assert!(told.iter().all(|(_, proof)| *proof != Proof::Forged), "{told:?}");
    }
}
