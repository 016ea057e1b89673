//! The memory of a running process at one moment.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Bytes of one read: a page that cannot be read takes no more with it.
const CHUNK: usize = 1 << 20;

/// All that a process could read of its own memory, while it stood still.
#[derive(Debug)]
pub(crate) struct Image {
    /// Neighbours are joined: nothing hides on a border.
    regions: Vec<Vec<u8>>,
    /// Bytes of it that could not be read.
    pub(crate) missed: usize,
}

impl Image {
    /// Stops process `pid`, copies its memory, lets it go on. Linux, same user or root.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        signal("-STOP", pid)?;
        let image = read(pid);
        signal("-CONT", pid)?;
        image
    }

    /// Its parts.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &[u8]> {
        self.regions.iter().map(Vec::as_slice)
    }

    /// Bytes.
    pub(crate) fn size(&self) -> usize {
        self.regions.iter().map(Vec::len).sum()
    }
}

fn signal(name: &str, pid: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").arg(name).arg(pid.to_string()).status().context("starting kill")?;
    ensure!(status.success(), "process {pid} did not take {name}");
    Ok(())
}

fn read(pid: u32) -> anyhow::Result<Image> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).context("the process is gone")?;
    let mut memory = File::open(format!("/proc/{pid}/mem")).context("its memory cannot be read: run as root or as its owner")?;
    let mut regions: Vec<Vec<u8>> = Vec::new();
    let (mut joined, mut missed) = (0, 0);
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        if !rights.starts_with('r') || line.contains("[vvar") || line.contains("[vsyscall]") {
            continue;
        }
        let (mut at, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        while at < end {
            let mut chunk = vec![0; usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK)];
            let size = chunk.len() as u64;
            if memory.seek(SeekFrom::Start(at)).is_ok() && memory.read_exact(&mut chunk).is_ok() {
                match regions.last_mut().filter(|_| joined == at) {
                    Some(region) => region.append(&mut chunk),
                    None => regions.push(chunk),
                }
                joined = at + size;
            } else {
                missed += chunk.len();
            }
            at += size;
        }
    }
    Ok(Image { regions, missed })
}
