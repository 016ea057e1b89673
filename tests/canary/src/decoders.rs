//! What a curious operator would do with the frames that its server forwards: play them.

use std::f32::consts::TAU;

use conclave_codecs::{Codec, Decoder, Picture};

/// Samples a second.
const RATE: u32 = 48_000;
/// Samples that are judged at once, a quarter of a second.
const WINDOW: usize = 12_000;
/// Longest Opus packet, 120 ms.
const PACKET: usize = 5760;
/// How far coding may move a colour, of 255.
const NEAR: f64 = 8.0;
/// Share of a picture in its colour, or of a sound in its tone, from which on it is recognised. Noise has hundredths of both.
const RECOGNISED: f64 = 0.6;

/// How much was turned into something, and how much of that is what was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) decoded: usize,
    pub(crate) recognised: usize,
}

/// Plays VP8 frames; a known picture is one whose field has these blue and red differences.
pub(crate) fn pictures<'a>(frames: impl Iterator<Item = &'a [u8]>, [_, blue, red]: [f64; 3]) -> anyhow::Result<Played> {
    let mut decoder = Decoder::new(Codec::Vp8)?;
    let mut played = Played::default();
    // What does not decode shows nothing: the next one may.
    for picture in frames.filter_map(|frame| decoder.decode(frame).ok().flatten()) {
        played.decoded += 1;
        played.recognised += usize::from(share_of_colour(&picture, blue, red) > RECOGNISED);
    }
    Ok(played)
}

/// Plays Opus packets; counts quarters of a second.
pub(crate) fn sounds<'a>(packets: impl Iterator<Item = &'a [u8]>, hertz: f32) -> anyhow::Result<Played> {
    let mut decoder = opus::Decoder::new(RATE, opus::Channels::Mono)?;
    let mut samples = Vec::new();
    for packet in packets {
        let mut pcm = [0.0; PACKET];
        if let Ok(count) = decoder.decode_float(packet, &mut pcm, false) {
            samples.extend_from_slice(&pcm[..count]);
        }
    }
    let windows = samples.chunks_exact(WINDOW);
    let recognised = windows.clone().filter(|w| share_of_tone(w, hertz) > RECOGNISED).count();
    Ok(Played { decoded: windows.len(), recognised })
}

/// Share of the picture that has this colour, however bright.
fn share_of_colour(picture: &Picture, blue: f64, red: f64) -> f64 {
    let near = |(u, v): &(&u8, &u8)| (f64::from(**u) - blue).abs() <= NEAR && (f64::from(**v) - red).abs() <= NEAR;
    picture.u.iter().zip(&picture.v).filter(near).count() as f64 / picture.u.len().max(1) as f64
}

/// Share of the power that lies at this frequency (Goertzel's algorithm).
fn share_of_tone(samples: &[f32], hertz: f32) -> f64 {
    let k = 2.0 * (TAU * hertz / RATE as f32).cos();
    let (mut a, mut b) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (a, b) = (sample + k * a - b, a);
    }
    let total = samples.iter().map(|s| s * s).sum::<f32>() * samples.len() as f32 / 2.0;
    if total > 1e-3 { f64::from((a * a + b * b - k * a * b) / total) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_and_a_tone_are_told_from_others() {
        let picture = Picture::flat(64, 64, [90, 165, 175]);
        assert!(share_of_colour(&picture, 165.0, 175.0) > 0.99 && share_of_colour(&picture, 128.0, 128.0) < 0.01);
        let tone: Vec<_> = (0..WINDOW).map(|n| (n as f32 * 1730.0 * TAU / RATE as f32).sin() / 3.0).collect();
        assert!(share_of_tone(&tone, 1730.0) > 0.9 && share_of_tone(&tone, 700.0) < 0.05 && share_of_tone(&[0.0; WINDOW], 700.0) < 0.05);
    }
}
