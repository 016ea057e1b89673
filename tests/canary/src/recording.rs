//! What a member recorded: the encoded frames themselves, and slices of them that occur nowhere by chance.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Bytes of one slice.
const SLICE: usize = 24;
/// Slices of one frame.
const SLICES: usize = 3;
/// A slice of fewer different bytes may be found where nobody sent it.
const DIFFERENT: usize = 16;
/// What a VP8 frame shows even when sealed, and what any frame of this codec begins with.
const CLEAR: usize = 11;

/// The frames of a recording: IVF or Ogg, by the file's name.
pub(crate) fn frames(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes = fs::read(path).with_context(|| format!("no recording {}", path.display()))?;
    let read = if path.extension().is_some_and(|e| e == "ivf") { ivf(&bytes) } else { ogg(&bytes) };
    read.with_context(|| format!("{} is not whole", path.display()))
}

/// A header of 32 bytes, then each frame behind its length and time.
fn ivf(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = bytes.get(32..)?;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (frame, after) = after.get(8..)?.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        frames.push(frame.to_vec());
        rest = after;
    }
    Some(frames)
}

/// The client writes one packet a page; the first two pages are headers.
fn ogg(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = bytes;
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let lengths = rest.get(27..27 + usize::from(*rest.get(26)?))?;
        let start = 27 + lengths.len();
        let end = start + lengths.iter().map(|n| usize::from(*n)).sum::<usize>();
        packets.push(rest.get(start..end)?.to_vec());
        rest = &rest[end..];
    }
    Some(packets.split_off(2.min(packets.len())))
}

/// Slices from the middle of a frame; none of a frame that is too short or too plain.
pub(crate) fn slices(frame: &[u8]) -> Vec<&[u8]> {
    let body = frame.get(CLEAR..).unwrap_or_default();
    let starts = (1..=SLICES).map(|n| (body.len() * n / (SLICES + 1)).saturating_sub(SLICE / 2));
    let slices = starts.filter_map(|start| body.get(start..start + SLICE));
    slices.filter(|slice| slice.iter().collect::<BTreeSet<_>>().len() >= DIFFERENT).collect()
}
