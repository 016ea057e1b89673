//! One who sends: pictures in layers and sound, each packet with its stamp.

use std::time::Duration;

use conclave_base::{Codec, Machine as _, Source, Time};
use conclave_livekit_client::{Input, Layer, LiveKitClient, Publication, SentPacket};

use super::payload::{HEAD, SOUND, Stamp, write_descriptor, write_frame_start};
use super::plan::Plan;
use crate::picture::Pattern;

/// Key frames are this many times as large as the others.
const KEY_WEIGHT: usize = 4;
/// Most bytes of a picture in one packet.
const PIECE: usize = 1100;
/// Sound: a packet of so many bytes so often.
const SOUND_PACKET: (u16, Duration) = (100, Duration::from_millis(20));
/// Size and hue of the test picture: what `join` sends by default.
const PATTERN: (u32, u32, u16) = (640, 360, 200);

/// Those of one layer, or of sound.
#[derive(Debug, Default)]
struct Numbers {
    /// Of the last packet; counted on beyond 16 bits.
    seq: u64,
    picture: u16,
    wants_key_frame: bool,
}

pub(super) struct Publisher {
    who: u32,
    layers: Vec<(Layer, Numbers)>,
    sound: Option<Numbers>,
    /// The test picture in place of stamped bytes.
    pattern: Option<(Pattern, conclave_codecs::Encoder)>,
    step: Duration,
    next_picture: Time,
    next_sound: Time,
    /// Whether the server takes them.
    pub(super) sends_pictures: bool,
    pub(super) sends_sound: bool,
    payload: Vec<u8>,
    /// Packets, all layers together.
    pub(super) sent: u64,
}

impl Publisher {
    /// Each at a moment of its own.
    pub(super) fn new(plan: &Plan, who: u32, fps: u32, picture: bool, now: Time) -> anyhow::Result<Self> {
        let mut layers = plan.layers.clone();
        let pattern = if picture {
            let (width, height, hue) = PATTERN;
            let bitrate = layers.last().map_or(0, |layer| layer.bitrate);
            layers = vec![Layer { width, height, bitrate }];
            let settings = conclave_codecs::Settings { width, height, bitrate, fps };
            Some((Pattern::new(width, height, hue), conclave_codecs::Encoder::new(settings)?))
        } else {
            None
        };
        let step = Duration::from_secs(1) / fps;
        let start = now + step * (who % 7) / 7;
        let numbers = || Numbers { wants_key_frame: true, ..Numbers::default() };
        Ok(Self {
            who,
            layers: layers.into_iter().map(|layer| (layer, numbers())).collect(),
            sound: plan.has_sound.then(Numbers::default),
            pattern,
            step,
            next_picture: start,
            next_sound: start,
            sends_pictures: false,
            sends_sound: false,
            payload: vec![],
            sent: 0,
        })
    }

    /// What the server is to be told of.
    pub(super) fn publications(&self) -> Vec<Publication> {
        let mut all = vec![];
        if !self.layers.is_empty() {
            let layers = self.layers.iter().map(|(layer, _)| *layer).collect();
            all.push(Publication { source: Source::Camera, codec: Codec::Vp8, layers, sealed: false });
        }
        if self.sound.is_some() {
            let layers = vec![Layer { width: 0, height: 0, bitrate: 40_000 }];
            all.push(Publication { source: Source::Microphone, codec: Codec::Opus, layers, sealed: false });
        }
        all
    }

    pub(super) fn request_key_frame(&mut self) {
        self.layers.iter_mut().for_each(|(_, numbers)| numbers.wants_key_frame = true);
    }

    /// When it sends next.
    pub(super) fn due(&self) -> Time {
        let pictures = if self.sends_pictures { self.next_picture } else { Time::MAX };
        let sound = if self.sends_sound { self.next_sound } else { Time::MAX };
        pictures.min(sound)
    }

    /// Sends what is due; says whether something was.
    pub(super) fn send(&mut self, client: &mut LiveKitClient, now: Time) -> anyhow::Result<bool> {
        let before = self.sent;
        if self.sends_sound && now >= self.next_sound {
            self.next_sound = following(self.next_sound, SOUND_PACKET.1, now);
            if let Some(mut numbers) = self.sound.take() {
                self.payload.clear();
                self.stamp(&numbers, SOUND, SOUND_PACKET.0);
                let rtp_time = now.as_micros() * 48 / 1000;
                self.packet(client, Source::Microphone, 0, &mut numbers, rtp_time, false, now);
                self.sound = Some(numbers);
            }
        }
        if self.sends_pictures && now >= self.next_picture {
            self.next_picture = following(self.next_picture, self.step, now);
            for at in 0..self.layers.len() {
                let (layer, mut numbers) = (self.layers[at].0, std::mem::take(&mut self.layers[at].1));
                if self.pattern.is_some() {
                    self.encoded(client, &mut numbers, now)?;
                } else {
                    self.picture(client, at, layer, &mut numbers, now);
                }
                self.layers[at].1 = numbers;
            }
        }
        if self.sent > before {
            // What was written leaves with the next input.
            client.handle(Input::Timeout, now)?;
        }
        Ok(self.sent > before)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a stamp has 32 bits for it: weeks")]
    fn stamp(&mut self, numbers: &Numbers, layer: u8, len: u16) {
        let number = (numbers.seq + 1) as u32;
        let sent = u64::try_from(conclave_device::system::unix().as_micros()).unwrap_or(u64::MAX);
        Stamp { publisher: self.who, layer, number, sent }.write(len, &mut self.payload);
    }

    /// One picture of a layer, cut into packets of about the same size.
    fn picture(&mut self, client: &mut LiveKitClient, at: usize, layer: Layer, numbers: &mut Numbers, now: Time) {
        let fps = (Duration::from_secs(1).as_nanos() / self.step.as_nanos().max(1)).max(1);
        let size = layer.bitrate as usize / 8 / usize::try_from(fps).unwrap_or(1);
        let is_key = std::mem::take(&mut numbers.wants_key_frame);
        let size = if is_key { size * KEY_WEIGHT } else { size };
        let pieces = size.div_ceil(PIECE).max(1);
        let len = u16::try_from((size / pieces).clamp(HEAD, PIECE)).unwrap_or(u16::MAX);
        for piece in 0..pieces {
            self.payload.clear();
            write_descriptor(&mut self.payload, numbers.picture, piece == 0);
            if piece == 0 {
                write_frame_start(&mut self.payload, is_key.then_some((layer.width, layer.height)));
            }
            self.stamp(numbers, u8::try_from(at).unwrap_or(u8::MAX), len);
            let rtp_time = now.as_micros() * 9 / 100;
            self.packet(client, Source::Camera, at, numbers, rtp_time, piece + 1 == pieces, now);
        }
        numbers.picture = numbers.picture.wrapping_add(1) & 0x7fff;
    }

    /// The test picture, if its encoder makes something of it.
    fn encoded(&mut self, client: &mut LiveKitClient, numbers: &mut Numbers, now: Time) -> anyhow::Result<()> {
        let Some((pattern, encoder)) = &mut self.pattern else { return Ok(()) };
        let rtp_time = now.as_micros() * 9 / 100;
        let frame = encoder.encode(&pattern.at(now.as_millis()), rtp_time, numbers.wants_key_frame)?;
        if frame.is_empty() {
            return Ok(());
        }
        numbers.wants_key_frame = false;
        let pieces = frame.len().div_ceil(PIECE);
        for (nth, piece) in frame.chunks(PIECE).enumerate() {
            self.payload.clear();
            write_descriptor(&mut self.payload, numbers.picture, nth == 0);
            self.payload.extend_from_slice(piece);
            self.packet(client, Source::Camera, 0, numbers, rtp_time, nth + 1 == pieces, now);
        }
        numbers.picture = numbers.picture.wrapping_add(1) & 0x7fff;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, clippy::cast_possible_truncation, reason = "each is a field of the packet; RTP time has 32 bits")]
    fn packet(
        &mut self,
        client: &mut LiveKitClient,
        source: Source,
        layer: usize,
        numbers: &mut Numbers,
        rtp_time: u64,
        marker: bool,
        now: Time,
    ) {
        let packet = SentPacket { seq: numbers.seq + 1, rtp_time: rtp_time as u32, marker, payload: self.payload.as_slice().into() };
        match client.send_packet(source, layer, packet, now) {
            Ok(()) => {
                numbers.seq += 1;
                self.sent += 1;
            }
            // Not agreed yet, or not connected: what comes later begins with a key frame.
            Err(error) => {
                tracing::debug!(%error, "packet");
                numbers.wants_key_frame = true;
            }
        }
    }
}

/// When the next one is due; what was missed by far is left out.
fn following(due: Time, step: Duration, now: Time) -> Time {
    (due + step).max(now.min(due + step * 4))
}
