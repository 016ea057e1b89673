use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

/// What a program prints, line by line, kept from the first on.
#[derive(Debug)]
pub struct Stdout {
    receiver: Receiver<(Instant, String)>,
    seen: Vec<String>,
    /// When each of them came.
    came: Vec<Instant>,
    read: usize,
}

impl Stdout {
    /// Reads `source` on a thread of its own until it ends; `echo` repeats each line on standard error with that prefix.
    pub fn of(source: impl Read + Send + 'static, echo: Option<String>) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if let Some(prefix) = &echo {
                    eprintln!("{prefix}{line}");
                }
                if sender.send((Instant::now(), line)).is_err() {
                    break;
                }
            }
        });
        Self { receiver, seen: Vec::new(), came: Vec::new(), read: 0 }
    }

    /// The first line, not looked at before, that `pick` takes something from.
    pub fn wait<T>(&mut self, what: &str, patience: Duration, mut pick: impl FnMut(&str) -> Option<T>) -> anyhow::Result<T> {
        let end = Instant::now() + patience;
        loop {
            while self.read < self.seen.len() {
                self.read += 1;
                if let Some(found) = pick(&self.seen[self.read - 1]) {
                    return Ok(found);
                }
            }
            match self.receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.keep(line),
                Err(RecvTimeoutError::Timeout) => bail!("{what}: did not happen within {patience:?}; last lines: {:#?}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => bail!("{what}: the program ended; last lines: {:#?}", self.tail()),
            }
        }
    }

    /// The next line, not looked at before, and when it came; `None` if there is none yet.
    pub fn take_next(&mut self) -> Option<(Instant, &str)> {
        if self.read == self.seen.len() {
            let line = self.receiver.try_recv().ok()?;
            self.keep(line);
        }
        self.read += 1;
        Some((self.came[self.read - 1], &self.seen[self.read - 1]))
    }

    /// All lines so far.
    pub fn all(&mut self) -> &[String] {
        while let Ok(line) = self.receiver.try_recv() {
            self.keep(line);
        }
        &self.seen
    }

    /// As [`Self::all`], with the moments at which they came.
    pub fn all_at(&mut self) -> impl Iterator<Item = (Instant, &str)> {
        self.all();
        self.came.iter().copied().zip(self.seen.iter().map(String::as_str))
    }

    /// All lines until the program has closed its output.
    pub(crate) fn whole(&mut self) -> &[String] {
        while let Ok(line) = self.receiver.recv() {
            self.keep(line);
        }
        &self.seen
    }

    /// When the line came that was looked at last.
    pub fn came(&self) -> Option<Instant> {
        self.came.get(self.read.checked_sub(1)?).copied()
    }

    fn keep(&mut self, (came, line): (Instant, String)) {
        self.seen.push(line);
        self.came.push(came);
    }

    fn tail(&self) -> &[String] {
        &self.seen[self.seen.len().saturating_sub(12)..]
    }
}
