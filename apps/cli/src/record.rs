use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use conclave_base::{Codec, Source};
use ogg::writing::{PacketWriteEndInfo, PacketWriter};

/// Writes what was opened and decoded: a file for each member and source.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: PathBuf,
    files: BTreeMap<(String, Source), Track>,
}

#[derive(Debug)]
enum Track {
    Ivf(Ivf),
    Ogg(Ogg),
}

impl Recorder {
    /// Makes the folder and finds out now, not at the first frame, whether it can be written to.
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let complaint = || format!("cannot record into {}: choose a folder that you may write to", folder.display());
        std::fs::create_dir_all(folder).with_context(complaint)?;
        let probe = folder.join(".conclave-probe");
        File::create(&probe).with_context(complaint)?;
        std::fs::remove_file(&probe).with_context(complaint)?;
        Ok(Self { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    /// Appends one frame; `size` of the picture.
    pub(crate) fn write(
        &mut self,
        identity: &str,
        source: Source,
        codec: Codec,
        size: (u32, u32),
        rtp_time: u64,
        frame: &[u8],
    ) -> io::Result<()> {
        let key = (identity.to_owned(), source);
        if !self.files.contains_key(&key) {
            let name = format!("{identity}-{}", name(source));
            let track = match codec {
                Codec::Opus => Track::Ogg(Ogg::create(&self.folder.join(name + ".ogg"), rtp_time)?),
                Codec::Vp8 => Track::Ivf(Ivf::create(&self.folder.join(name + ".ivf"), b"VP80", size, rtp_time)?),
                Codec::Vp9 => Track::Ivf(Ivf::create(&self.folder.join(name + ".ivf"), b"VP90", size, rtp_time)?),
            };
            self.files.insert(key.clone(), track);
        }
        match self.files.get_mut(&key) {
            Some(Track::Ivf(ivf)) => ivf.frame(rtp_time, frame),
            Some(Track::Ogg(ogg)) => ogg.packet(rtp_time, frame),
            None => Ok(()),
        }
    }

    /// Completes the files.
    pub(crate) fn finish(self) -> io::Result<()> {
        for track in self.files.into_values() {
            match track {
                Track::Ivf(ivf) => ivf.finish()?,
                Track::Ogg(ogg) => ogg.finish()?,
            }
        }
        Ok(())
    }
}

const fn name(source: Source) -> &'static str {
    match source {
        Source::Microphone => "microphone",
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::ScreenAudio => "screen-audio",
    }
}

/// IVF: a 32-byte header, then each frame after its length and time (1/90,000 s).
#[derive(Debug)]
struct Ivf {
    file: BufWriter<File>,
    start: u64,
    frames: u32,
}

impl Ivf {
    fn create(path: &Path, four: &[u8; 4], (width, height): (u32, u32), start: u64) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        let side = |n: u32| u16::try_from(n).unwrap_or(0).to_le_bytes();
        file.write_all(b"DKIF\0\0\x20\0")?;
        file.write_all(four)?;
        file.write_all(&[side(width), side(height)].concat())?;
        file.write_all(&[90_000_u32.to_le_bytes(), 1_u32.to_le_bytes(), [0; 4], [0; 4]].concat())?;
        Ok(Self { file, start, frames: 0 })
    }

    fn frame(&mut self, time: u64, frame: &[u8]) -> io::Result<()> {
        self.frames += 1;
        self.file.write_all(&u32::try_from(frame.len()).unwrap_or(0).to_le_bytes())?;
        self.file.write_all(&time.saturating_sub(self.start).to_le_bytes())?;
        self.file.write_all(frame)
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(24))?;
        self.file.write_all(&self.frames.to_le_bytes())?;
        self.file.flush()
    }
}

/// Ogg with Opus (RFC 7845), one packet a page.
struct Ogg {
    writer: PacketWriter<'static, BufWriter<File>>,
    start: u64,
    /// The newest packet waits, because the last page carries a flag.
    held: Option<(u64, Vec<u8>)>,
}

impl Ogg {
    /// Of the only stream in a file.
    const SERIAL: u32 = 1;

    fn create(path: &Path, start: u64) -> io::Result<Self> {
        let mut writer = PacketWriter::new(BufWriter::new(File::create(path)?));
        // Version 1, two channels, no samples to skip, 48 kHz, no gain, mapping family 0.
        writer.write_packet(&b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0"[..], Self::SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        writer.write_packet(&b"OpusTags\x08\0\0\0conclave\0\0\0\0"[..], Self::SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { writer, start, held: None })
    }

    fn packet(&mut self, time: u64, packet: &[u8]) -> io::Result<()> {
        let end = time.saturating_sub(self.start) + crate::sound::FRAME_SAMPLES as u64;
        match self.held.replace((end, packet.to_owned())) {
            Some((granule, bytes)) => self.writer.write_packet(bytes, Self::SERIAL, PacketWriteEndInfo::EndPage, granule),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> io::Result<()> {
        if let Some((granule, bytes)) = self.held.take() {
            self.writer.write_packet(bytes, Self::SERIAL, PacketWriteEndInfo::EndStream, granule)?;
        }
        self.writer.inner_mut().flush()
    }
}

impl std::fmt::Debug for Ogg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ogg").field("start", &self.start).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_they_hold() {
        let folder = tempfile::tempdir().expect("folder");
        let mut recorder = Recorder::new(folder.path()).expect("writable");
        for n in 0..3 {
            recorder.write("amara", Source::Camera, Codec::Vp8, (64, 48), 1000 + n * 6000, &[1, 2, 3]).expect("written");
            recorder.write("amara", Source::Microphone, Codec::Opus, (0, 0), 5000 + n * 960, &[7; 300]).expect("written");
        }
        recorder.finish().expect("finished");
        let ivf = std::fs::read(folder.path().join("amara-camera.ivf")).expect("file");
        assert_eq!((&ivf[..4], &ivf[8..16], ivf[24], ivf.len()), (&b"DKIF"[..], &b"VP80\x40\0\x30\0"[..], 3, 32 + 3 * 15));
        let mut ogg = ogg::PacketReader::new(File::open(folder.path().join("amara-microphone.ogg")).expect("file"));
        let packets: Vec<_> = std::iter::from_fn(|| ogg.read_packet().expect("whole pages")).collect();
        assert!(packets[0].data.starts_with(b"OpusHead") && packets[1].data.starts_with(b"OpusTags"));
        let sound: Vec<_> = packets[2..].iter().map(|p| (p.data.as_slice(), p.absgp_page(), p.last_in_stream())).collect();
        assert_eq!(sound, [(&[7; 300][..], 960, false), (&[7; 300], 1920, false), (&[7; 300], 2880, true)]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_at_once() {
        let error = Recorder::new(Path::new("/dev/null/here")).expect_err("no folder");
        assert!(error.to_string().contains("choose a folder"));
    }
}
