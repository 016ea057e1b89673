use std::f32::consts::TAU;

/// Samples per second.
pub(crate) const SAMPLE_RATE: u32 = 48_000;
/// Samples of one Opus frame, 20 ms.
pub(crate) const FRAME_SAMPLES: usize = 960;

/// Of this many samples one is left where frequencies are looked for.
const DECIMATION: usize = 3;

/// A tone that goes on for ever, one Opus frame at a time.
#[derive(Debug)]
pub(crate) struct Tone {
    encoder: opus::Encoder,
    step: f32,
    phase: f32,
}

impl Tone {
    /// `hertz` of a sine at a third of full scale.
    pub(crate) fn new(hertz: f32) -> Result<Self, opus::Error> {
        let mut encoder = opus::Encoder::new(SAMPLE_RATE, opus::Channels::Mono, opus::Application::Audio)?;
        encoder.set_bitrate(opus::Bitrate::Bits(32_000))?;
        Ok(Self { encoder, step: hertz * TAU / SAMPLE_RATE as f32, phase: 0.0 })
    }

    /// Frames of one size, or each of as many bytes as its sound needs.
    pub(crate) fn set_constant_bitrate(&mut self, constant: bool) -> Result<(), opus::Error> {
        self.encoder.set_vbr(!constant)
    }

    /// The next 20 ms, with the tone or without it.
    pub(crate) fn next(&mut self, audible: bool) -> Result<Vec<u8>, opus::Error> {
        let mut samples = [0.0; FRAME_SAMPLES];
        for sample in &mut samples {
            *sample = if audible { self.phase.sin() / 3.0 } else { 0.0 };
            self.phase = (self.phase + self.step) % TAU;
        }
        self.encoder.encode_vec_float(&samples, 1500)
    }
}

/// Loudness in dB below full scale; silence is -120.
pub(crate) fn loudness(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
    10.0 * power.max(1e-12).log10()
}

/// The strongest frequency between 100 and 4,000 Hz, to 10 Hz; `None` if nothing stands out.
pub(crate) fn dominant_frequency(samples: &[f32]) -> Option<u32> {
    if samples.is_empty() {
        return None;
    }
    // A third of the rate still has those frequencies twice over.
    let samples: Vec<f32> = samples.chunks_exact(DECIMATION).map(|few| few.iter().sum::<f32>() / DECIMATION as f32).collect();
    let (hertz, power) = (10..=400).map(|tens| (tens * 10, goertzel(&samples, tens * 10))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let total = samples.iter().map(|s| s * s).sum::<f32>() * samples.len() as f32 / 2.0;
    (power > total * 0.2 && total > 1e-3).then_some(hertz)
}

/// Power at one frequency of decimated samples (Goertzel's algorithm).
fn goertzel(samples: &[f32], hertz: u32) -> f32 {
    let k = 2.0 * (TAU * (hertz * DECIMATION as u32) as f32 / SAMPLE_RATE as f32).cos();
    let (mut a, mut b) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (a, b) = (sample + k * a - b, a);
    }
    a * a + b * b - k * a * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_recognised_after_coding() {
        let mut tone = Tone::new(440.0).expect("encoder");
        let mut decoder = opus::Decoder::new(SAMPLE_RATE, opus::Channels::Mono).expect("decoder");
        let mut heard = vec![];
        for _ in 0..30 {
            let mut pcm = [0.0; FRAME_SAMPLES];
            decoder.decode_float(&tone.next(true).expect("packet"), &mut pcm, false).expect("decodable");
            heard.extend(pcm);
        }
        let end = &heard[heard.len() - 12_000..];
        assert_eq!(dominant_frequency(end), Some(440));
        assert!((loudness(end) + 12.5).abs() < 1.5);
    }

    #[test]
    fn at_constant_bitrate_a_tone_and_silence_have_one_size_and_else_they_have_not() {
        let mut tone = Tone::new(440.0).expect("encoder");
        let mut sizes = |audible| (0..50).map(|_| tone.next(audible).expect("packet").len()).collect::<std::collections::BTreeSet<_>>();
        let (loud, silent) = (sizes(true), sizes(false));
        assert!(loud.last() > silent.first(), "{loud:?} {silent:?}");
        tone.set_constant_bitrate(true).expect("encoder");
        let mut sizes = |audible| (0..50).map(|_| tone.next(audible).expect("packet").len()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!((sizes(true).len(), sizes(true)), (1, sizes(false)));
    }

    #[test]
    fn what_is_sealed_for_a_microphone_that_is_off_decodes_to_silence() {
        let mut tone = Tone::new(440.0).expect("encoder");
        let mut decoder = opus::Decoder::new(SAMPLE_RATE, opus::Channels::Mono).expect("decoder");
        let mut decode = |frame: &[u8]| {
            let mut pcm = [0.0; FRAME_SAMPLES];
            assert_eq!(decoder.decode_float(frame, &mut pcm, false).expect("it decodes"), FRAME_SAMPLES);
            loudness(&pcm)
        };
        for size in [3, 80, 160, 400] {
            assert!((0..5).map(|_| decode(&tone.next(true).expect("packet"))).fold(-120.0, f32::max) > -20.0);
            let mut silence = vec![0xf8, 0xff, 0xfe];
            silence.resize(size, 0);
            // The decoder fades what was heard before.
            decode(&silence);
            assert!(decode(&silence) < -60.0, "{size} bytes");
        }
    }

    #[test]
    fn silence_has_no_tone() {
        assert_eq!(dominant_frequency(&[0.0; 12_000]), None);
        assert!(loudness(&[0.0; 100]) < -100.0);
    }
}
