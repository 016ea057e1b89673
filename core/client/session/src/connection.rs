use std::time::Duration;

use conclave_base::Time;

use crate::rng::Rng;

/// From asking for a connection to being admitted.
const OPENING: Duration = Duration::from_secs(15);
/// A keep-alive goes out when nothing came for this long, and the connection is given up when nothing comes for twice as long.
const QUIET: Duration = Duration::from_secs(15);
/// Waits between attempts: doubled from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));

/// The WebSocket to the delivery service, as far as this client knows.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    state: State,
    /// Attempts that failed since the last admission.
    failed: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// To be opened at this moment.
    Waiting(Time),
    /// Being opened or not admitted yet; given up at this moment.
    Opening(Time),
    /// Admitted. Something was heard then; whether an answer to a keep-alive is awaited.
    Admitted { heard: Time, asked: bool },
}

/// What the connection needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing now.
    Nothing,
    /// To be opened.
    Connect,
    /// A keep-alive.
    Ping,
    /// To be closed and counted as failed.
    GiveUp,
}

impl Connection {
    /// Opens at the next [`Self::poll`].
    pub(crate) fn open_now(&mut self, now: Time) {
        self.state = State::Waiting(now);
    }

    /// It is gone: opens again after a while. Gives how many attempts have failed.
    pub(crate) fn on_disconnect(&mut self, rng: &mut Rng, now: Time) -> u32 {
        let (first, last) = BACKOFF;
        let wait = first.saturating_mul(1 << self.failed.min(8)).min(last);
        // A fifth either way, so that a server that comes back is not stormed.
        let fifth = u64::try_from(wait.as_micros() / 5).unwrap_or(u64::MAX);
        let wait = wait - Duration::from_micros(fifth) + Duration::from_micros(rng.gen_range(2 * fifth));
        self.failed += 1;
        self.state = State::Waiting(now + wait.min(last));
        self.failed
    }

    pub(crate) fn on_admitted(&mut self, now: Time) {
        self.failed = 0;
        self.state = State::Admitted { heard: now, asked: false };
    }

    /// Something came.
    pub(crate) fn on_message(&mut self, now: Time) {
        if let State::Admitted { .. } = self.state {
            self.state = State::Admitted { heard: now, asked: false };
        }
    }

    pub(crate) fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Asked to be open, whether it is yet or not.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self.state, State::Opening(_) | State::Admitted { .. })
    }

    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    pub(crate) fn poll(&mut self, now: Time) -> Need {
        match self.state {
            State::Waiting(at) if now >= at => {
                self.state = State::Opening(now + OPENING);
                Need::Connect
            }
            State::Opening(deadline) if now >= deadline => Need::GiveUp,
            State::Admitted { heard, asked: false } if now >= heard + QUIET => {
                self.state = State::Admitted { heard, asked: true };
                Need::Ping
            }
            State::Admitted { heard, asked: true } if now >= heard + QUIET * 2 => Need::GiveUp,
            State::Closed | State::Waiting(_) | State::Opening(_) | State::Admitted { .. } => Need::Nothing,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Closed => None,
            State::Waiting(at) | State::Opening(at) => Some(at),
            State::Admitted { heard, asked } => Some(heard + if asked { QUIET * 2 } else { QUIET }),
        }
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::Secret;

    use super::*;

    #[test]
    fn waits_grow_to_eight_seconds_and_start_again_after_an_admission() {
        let mut rng = Rng::new(&Secret::new([1; 32]));
        let mut connection = Connection::default();
        let waits: Vec<_> = (0..8)
            .map(|_| {
                connection.on_disconnect(&mut rng, Time::ZERO);
                connection.deadline().map_or(0, Time::as_millis)
            })
            .collect();
        assert!((400..=600).contains(&waits[0]), "{waits:?}");
        assert!((6400..=8000).contains(&waits[7]), "{waits:?}");
        connection.on_admitted(Time::ZERO);
        assert_eq!(connection.on_disconnect(&mut rng, Time::ZERO), 1);
    }

    #[test]
    fn a_silent_connection_is_asked_and_then_given_up() {
        let at = Time::from_millis;
        let mut connection = Connection::default();
        connection.open_now(at(0));
        assert_eq!(connection.poll(at(0)), Need::Connect);
        connection.on_admitted(at(100));
        assert_eq!(connection.poll(at(15_099)), Need::Nothing);
        assert_eq!(connection.poll(at(15_100)), Need::Ping);
        assert_eq!(connection.poll(at(30_100)), Need::GiveUp);
    }
}
