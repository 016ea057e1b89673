//! What the kernel tells of a process, in `/proc`.

use std::time::Duration;

use anyhow::Context as _;

/// Units a second of the times in `/proc`: the same on every Linux, whatever its kernel counts by.
const TICKS: u64 = 100;

/// What a process has used, all its threads together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Time on processors since it started: its own and the kernel's on its behalf. In steps of 10 ms.
    pub cpu: Duration,
    /// Memory that it occupies now, bytes.
    pub resident: u64,
}

impl Usage {
    /// Of the process with this id.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("no process {pid}"));
        let cpu = cpu(&read("stat")?).with_context(|| format!("/proc/{pid}/stat is not as expected"))?;
        let resident = resident(&read("status")?).with_context(|| format!("/proc/{pid}/status is not as expected"))?;
        Ok(Self { cpu, resident })
    }
}

/// Fields 14 (`utime`) and 15 (`stime`) of `/proc/PID/stat`, which include the threads that have ended.
fn cpu(stat: &str) -> Option<Duration> {
    // A program's name may hold anything, so that what is counted begins behind the last parenthesis, with field 3.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    let ticks = times.next()?? + times.next()??;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// `VmRSS` of `/proc/PID/status`.
fn resident(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "4242 (a) S (b 9 9) S 1 4242 4242 0 -1 4194304 900 800 7 6 150 50 3 2 20 0 5 0 1000 200000 300 18446744073709551615";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu("4242 (cut) S 1 2"), None);
    }

    #[test]
    fn resident_memory_is_given_in_bytes() {
        assert_eq!(resident("Name:\tconclave\nVmHWM:\t  900 kB\nVmRSS:\t    12 kB\nThreads:\t3\n"), Some(12 * 1024));
        assert_eq!(resident("Name:\tkthreadd\n"), None, "a kernel thread has none");
    }

    #[test]
    fn this_very_process_uses_something() {
        let usage = Usage::of(std::process::id()).expect("we are running");
        assert!(usage.resident > 100_000, "{usage:?}");
        assert!(Usage::of(u32::MAX).is_err());
    }
}
