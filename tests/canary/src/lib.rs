//! Looks for readable remains of a meeting in what a server process holds: see `tests/remains.rs`.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context as _;

/// Bytes of one read.
const CHUNK: usize = 1 << 20;

/// Which of `needles` occur anywhere in the readable memory of process `pid`. Linux, same user or root.
pub fn in_memory(pid: u32, needles: &[Vec<u8>]) -> anyhow::Result<Vec<usize>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).context("the process is gone")?;
    let mut memory = File::open(format!("/proc/{pid}/mem")).context("its memory cannot be read: run as root or as its owner")?;
    let mut found = vec![false; needles.len()];
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        if !rights.starts_with('r') || line.contains("[vvar") || line.contains("[vsyscall]") {
            continue;
        }
        scan(&mut memory, u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?, needles, &mut found);
    }
    Ok(found.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| i).collect())
}

/// Which of `needles` occur in any file below `folder`.
pub fn in_files(folder: &Path, needles: &[Vec<u8>]) -> anyhow::Result<Vec<usize>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.flatten().filter(|e| e.path().is_file()) {
        let bytes = fs::read(entry.path())?;
        found.extend((0..needles.len()).filter(|i| contains(&bytes, &needles[*i])));
    }
    Ok(found)
}

/// Whether `needle` occurs in `bytes`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

/// Chunks overlap by the longest needle, so that none hides on a border. Pages that cannot be read are passed over.
fn scan(memory: &mut File, start: u64, end: u64, needles: &[Vec<u8>], found: &mut [bool]) {
    let overlap = needles.iter().map(Vec::len).max().unwrap_or(0);
    let mut buffer = vec![0; CHUNK + overlap];
    let mut at = start;
    while at < end {
        let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        if memory.seek(SeekFrom::Start(at)).is_ok() && memory.read_exact(&mut buffer[..want]).is_ok() {
            for (needle, found) in needles.iter().zip(found.iter_mut()).filter(|(_, f)| !**f) {
                *found = first_byte_then(&buffer[..want], needle);
            }
        }
        at += CHUNK as u64;
    }
}

/// As [`contains`], but quick enough for gigabytes: most bytes are not the first of the needle.
fn first_byte_then(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| b == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
