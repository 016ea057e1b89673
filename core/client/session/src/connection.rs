use std::time::Duration;

use conclave_base::Time;

use crate::rng::Rng;

/// From asking for a connection to being admitted.
const OPENING: Duration = Duration::from_secs(15);
/// A keep-alive goes out when nothing came for this long, and the connection is given up when nothing comes for twice as long.
const QUIET: Duration = Duration::from_secs(15);
/// An answer that is asked for because the network may have changed comes within this, or not on this connection.
const ANSWER: Duration = Duration::from_secs(5);
/// Waits between attempts: the first for [`SOON`] attempts, about a minute, which covers a server that starts anew and a train in a
/// tunnel; then doubled up to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));
/// See [`BACKOFF`].
const SOON: u32 = 60;
/// Whoever a server sends away, having let it in, tries again within this: another node may be there at once. Spread out, so that it is not stormed.
const ELSEWHERE: Duration = Duration::from_millis(500);

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
    /// Admitted. A keep-alive goes out at this moment, unless something comes before; an answer may take so long.
    Admitted { ask_at: Time, patience: Duration },
    /// Admitted, and asked for a sign of life; given up at this moment.
    Asked(Time),
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
        let wait = first.saturating_mul(1 << self.failed.saturating_sub(SOON - 1).min(8)).min(last);
        // Half of it either way, so that a server that comes back is not stormed.
        let wait = wait / 2 + rng.spread(wait);
        self.failed += 1;
        self.state = State::Waiting(now + wait.min(last));
        self.failed
    }

    /// The server, which had let this client in, sends it away and may itself end: opens again soon. Gives how many attempts have failed.
    pub(crate) fn on_sent_away(&mut self, rng: &mut Rng, now: Time) -> u32 {
        if !self.is_admitted() {
            return self.on_disconnect(rng, now);
        }
        self.failed += 1;
        self.state = State::Waiting(now + rng.spread(ELSEWHERE));
        self.failed
    }

    /// The network may be another one: failures of before say nothing any more. Gives whether what is being opened is to be closed and
    /// opened anew.
    pub(crate) fn on_online(&mut self, now: Time) -> bool {
        self.failed = 0;
        match self.state {
            State::Waiting(_) => self.open_now(now),
            // It may have begun on a network that is gone.
            State::Opening(until) if now + OPENING >= until + BACKOFF.0 => {
                self.open_now(now);
                return true;
            }
            State::Admitted { .. } => self.state = State::Admitted { ask_at: now, patience: ANSWER },
            State::Closed | State::Opening(_) | State::Asked(_) => {}
        }
        false
    }

    pub(crate) fn on_admitted(&mut self, now: Time) {
        self.failed = 0;
        self.state = State::heard(now);
    }

    /// Something came.
    pub(crate) fn on_message(&mut self, now: Time) {
        if let State::Admitted { .. } | State::Asked(_) = self.state {
            self.state = State::heard(now);
        }
    }

    pub(crate) fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Asked to be open, whether it is yet or not.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self.state, State::Opening(_) | State::Admitted { .. } | State::Asked(_))
    }

    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    pub(crate) fn is_admitted(&self) -> bool {
        matches!(self.state, State::Admitted { .. } | State::Asked(_))
    }

    pub(crate) fn poll(&mut self, now: Time) -> Need {
        match self.state {
            State::Waiting(at) if now >= at => {
                self.state = State::Opening(now + OPENING);
                Need::Connect
            }
            State::Opening(deadline) | State::Asked(deadline) if now >= deadline => Need::GiveUp,
            State::Admitted { ask_at, patience } if now >= ask_at => {
                self.state = State::Asked(ask_at + patience);
                Need::Ping
            }
            State::Closed | State::Waiting(_) | State::Opening(_) | State::Admitted { .. } | State::Asked(_) => Need::Nothing,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Closed => None,
            State::Waiting(at) | State::Opening(at) | State::Asked(at) | State::Admitted { ask_at: at, .. } => Some(at),
        }
    }
}

impl State {
    /// Admitted, and something came at this moment.
    fn heard(now: Time) -> Self {
        Self::Admitted { ask_at: now + QUIET, patience: QUIET }
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::Secret;

    use super::*;

    const START: Time = Time::ZERO;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn opened() -> Connection {
        let mut connection = Connection::default();
        connection.open_now(START);
        assert_eq!(connection.poll(START), Need::Connect);
        connection
    }

    #[test]
    fn a_server_that_starts_anew_is_tried_every_second_and_one_that_stays_away_every_eight() {
        let mut rng = Rng::new(&Secret::new([1; 32]));
        let mut connection = Connection::default();
        let waits: Vec<_> = (0..66)
            .map(|_| {
                connection.on_disconnect(&mut rng, START);
                connection.deadline().map_or(0, Time::as_millis)
            })
            .collect();
        assert!(waits[..60].iter().all(|wait| (500..=1500).contains(wait)), "{waits:?}");
        assert!(waits[60..].iter().all(|wait| (1000..=8000).contains(wait)), "{waits:?}");
        assert!(waits[63..].iter().all(|wait| *wait >= 4000), "{waits:?}");
        connection.on_admitted(START);
        assert_eq!(connection.on_disconnect(&mut rng, START), 1);
    }

    #[test]
    fn who_is_sent_away_looks_for_another_node_within_half_a_second_and_then_as_ever() {
        let mut rng = Rng::new(&Secret::new([1; 32]));
        for n in 0..100 {
            let mut connection = opened();
            connection.on_admitted(at(100));
            assert_eq!(connection.on_sent_away(&mut rng, at(n)), 1);
            assert!(connection.deadline().is_some_and(|soon| soon <= at(n + 500)));
            connection.poll(at(n + 500));
            assert_eq!(connection.on_sent_away(&mut rng, at(1000)), 2);
            assert!(connection.deadline().is_some_and(|later| later >= at(1500)), "a server that lets nobody in is not stormed");
        }
    }

    #[test]
    fn what_failed_on_another_network_is_tried_at_once_and_does_not_count() {
        let mut rng = Rng::new(&Secret::new([1; 32]));
        let mut connection = Connection::default();
        for _ in 0..66 {
            connection.on_disconnect(&mut rng, START);
        }
        assert_eq!(connection.poll(at(400)), Need::Nothing);
        assert!(!connection.on_online(at(400)));
        assert_eq!(connection.poll(at(400)), Need::Connect);
        assert_eq!(connection.on_disconnect(&mut rng, START), 1);
    }

    #[test]
    fn what_opens_since_long_is_opened_anew_on_another_network_and_what_just_began_goes_on() {
        let mut connection = opened();
        assert!(!connection.on_online(at(900)));
        assert_eq!(connection.poll(at(900)), Need::Nothing);
        assert!(connection.on_online(at(1000)));
        assert_eq!(connection.poll(at(1000)), Need::Connect);
    }

    #[test]
    fn a_connection_from_another_network_is_asked_at_once_and_has_little_time_to_answer() {
        let mut connection = opened();
        connection.on_admitted(at(100));
        connection.on_online(at(2000));
        assert_eq!(connection.poll(at(2000)), Need::Ping);
        assert_eq!(connection.poll(at(6999)), Need::Nothing);
        connection.on_online(at(6999));
        assert_eq!(connection.poll(at(7000)), Need::GiveUp, "who looks again and again does not put it off");

        connection.on_admitted(at(8000));
        connection.on_online(at(9000));
        assert_eq!(connection.poll(at(9000)), Need::Ping);
        connection.on_message(at(9100));
        assert_eq!(connection.deadline(), Some(at(24_100)), "it answered: all is as before");
    }

    #[test]
    fn a_silent_connection_is_asked_and_then_given_up() {
        let mut connection = opened();
        connection.on_admitted(at(100));
        assert_eq!(connection.poll(at(15_099)), Need::Nothing);
        assert_eq!(connection.poll(at(15_100)), Need::Ping);
        assert_eq!(connection.poll(at(30_100)), Need::GiveUp);
    }
}
