use base::Time;

use crate::{Input, Output, Refused, Transport};

/// What one [`Sfu`] holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub sessions: usize,
    /// Bytes of one data-channel message.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 4096, message: 65_536 }
    }
}

/// Counters since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// RTP packets received from publishers.
    pub packets_in: u64,
    /// RTP packets forwarded to subscribers.
    pub packets_out: u64,
    /// Datagrams that belong to no connection, or that a connection could not read.
    pub datagrams_dropped: u64,
    /// RTP packets that belong to no track, or whose payload descriptor is malformed.
    pub packets_dropped: u64,
    /// Data-channel messages that had no room.
    pub messages_dropped: u64,
    /// Key frames asked of publishers.
    pub key_frames_requested: u64,
}

/// All rooms' media.
#[derive(Debug)]
pub struct Sfu<T: Transport> {
    config: T::Config,
    limits: Limits,
    stats: Stats,
}

impl<T: Transport> Sfu<T> {
    /// Without sessions.
    pub fn new(config: T::Config, limits: Limits) -> Self {
        Self { config, limits, stats: Stats::default() }
    }

    /// Takes a datagram or a command. A datagram that cannot be used is counted, not an error.
    pub fn handle(&mut self, input: Input<'_>, now: Time) -> Result<(), Refused> {
        let _ = (input, now, &self.config, self.limits);
        Err(Refused::NoSession)
    }

    /// The next output; called until [`Output::Idle`], and again when that moment comes.
    pub fn poll(&mut self, now: Time) -> Output {
        let _ = now;
        Output::Idle(Time::MAX)
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
