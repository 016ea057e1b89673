//! A camera in three layers, and those who watch it.

use conclave_sfu::{Command, Layer, ParticipantId, SectionRole, TrackId, TrackSettings};
use str0m::media::{Direction, MediaKind, Mid, Rid};

use super::{World, offer_camera, offer_one, section};

const LAYERS: [(&str, u32, u32); 3] = [("q", 320, 180), ("h", 640, 360), ("f", 1280, 720)];
pub(crate) const CAMERA: TrackId = TrackId(7);

/// A camera whose packets say which layer and frame they are of.
pub(crate) struct Camera {
    client: usize,
    mid: Mid,
    frame: u64,
    pub(crate) key_frames: u32,
    /// Packets of a frame, by layer.
    pub(crate) packets: [u64; 3],
}

impl Camera {
    pub(crate) fn publish(world: &mut World) -> Self {
        let client = world.add();
        let (mid, offer) = offer_camera(&mut world.clients[client]);
        let layers = LAYERS.map(|(rid, width, height)| Layer { rid: conclave_sfu::Rid::new(rid).expect("a rid"), width, height });
        let role = SectionRole::Publish { track: CAMERA, layers: layers.to_vec() };
        let answer = world.negotiate(client, offer, vec![section(mid, role)]);
        assert!(answer.contains("a=recvonly") && answer.contains("a=simulcast:recv q;h;f"), "{answer}");
        world.run(500);
        Self { client, mid, frame: 0, key_frames: 0, packets: [1; 3] }
    }

    /// Plays for `frames` of 50 ms; a layer that is asked for a key frame makes one.
    pub(crate) fn play(&mut self, world: &mut World, frames: u64) {
        for _ in 0..frames {
            let wanted = std::mem::take(&mut world.clients[self.client].key_frames_wanted);
            let now = world.instant();
            for (i, (rid, ..)) in LAYERS.iter().enumerate() {
                let rid = Rid::from(*rid);
                let key = wanted.contains(&Some(rid)) || self.frame == 0;
                self.key_frames += u32::from(key);
                let picture = 1000 * (i as u16 + 1) + self.frame as u16;
                for packet in 0..self.packets[i] {
                    let start = if packet == 0 { 0x90 } else { 0x80 };
                    let mut payload = vec![start, 0xe0, 0x80 | (picture >> 8) as u8, picture as u8, self.frame as u8, 0x20];
                    payload.extend([u8::from(!key), i as u8]);
                    payload.resize(if self.packets[i] > 1 { 1000 } else { 400 }, 0xee);
                    // Each layer counts from somewhere else, as a browser's do.
                    let seq = 5000 * (i as u64 + 1) + self.frame * self.packets[i] + packet;
                    let time = 777 * i as u32 + self.frame as u32 * 4500;
                    world.clients[self.client].send(self.mid, Some(rid), (seq, time), payload, now);
                }
            }
            self.frame += 1;
            world.run(50);
        }
    }
}

/// A participant who receives the camera.
pub(crate) fn watch(world: &mut World) -> (usize, Mid) {
    let client = world.add();
    let (mid, offer) = offer_one(&mut world.clients[client], MediaKind::Video, Direction::RecvOnly);
    let answer = world.negotiate(client, offer, vec![section(mid, SectionRole::Subscribe { track: CAMERA })]);
    assert!(answer.contains("a=sendonly"), "{answer}");
    world.run(500);
    (client, mid)
}

pub(crate) fn tile(world: &mut World, client: usize, width: u32, height: u32) {
    let settings = TrackSettings { enabled: true, width, height };
    world.command(Command::TrackSettings { participant: ParticipantId(client as u64), track: CAMERA, settings });
}

pub(crate) fn layer(payload: &[u8]) -> u8 {
    payload[7]
}
