use conclave_base::{Bucket, Time};
use conclave_livekit_proto::proto::{DisconnectReason, ParticipantInfo};

use crate::Conn;
use crate::limits::{self, Limits};

/// A participant's signalling connection, and what is kept for it while it is down.
pub(crate) struct SignalConnection {
    /// `None` while it is down.
    conn: Option<Conn>,
    last_heard: Time,
    /// It sends LiveKit's own pings.
    pings: bool,
    disconnected_at: Option<Time>,
    /// What it has to be told when it resumes: who left. `None` when that would be too much.
    pending_updates: Option<Vec<ParticipantInfo>>,
    bucket: Bucket,
}

impl SignalConnection {
    pub(crate) fn new(conn: Conn, limits: &Limits, now: Time) -> Self {
        Self {
            conn: Some(conn),
            last_heard: now,
            pings: false,
            disconnected_at: None,
            pending_updates: Some(Vec::new()),
            bucket: Bucket::full(limits.messages_per_second, limits.message_burst, now),
        }
    }

    /// Its number, while it is up.
    pub(crate) fn conn(&self) -> Option<Conn> {
        self.conn
    }

    /// Notes that a message came; false if that is one more than allowed.
    pub(crate) fn on_message(&mut self, now: Time) -> bool {
        self.last_heard = now;
        self.bucket.take(1, now)
    }

    /// Notes that LiveKit's own ping came.
    pub(crate) fn on_ping(&mut self) {
        self.pings = true;
    }

    /// Notes that its WebSocket answered. Of whom LiveKit's own pings are to be expected that is no sign of life: a browser answers for a page that hangs.
    pub(crate) fn on_alive(&mut self, now: Time) {
        if !self.pings {
            self.last_heard = now;
        }
    }

    /// Notes that it is down.
    pub(crate) fn on_closed(&mut self, now: Time) {
        self.conn = None;
        self.disconnected_at = Some(now);
    }

    /// Whether all that happened while it was down can still be told.
    pub(crate) fn can_resume(&self) -> bool {
        self.pending_updates.is_some()
    }

    /// Goes on as `conn`. Gives the number that it had if it was up, and what has to be told.
    pub(crate) fn resume(&mut self, conn: Conn, now: Time) -> (Option<Conn>, Vec<ParticipantInfo>) {
        (self.last_heard, self.disconnected_at) = (now, None);
        (self.conn.replace(conn), self.pending_updates.replace(Vec::new()).unwrap_or_default())
    }

    /// Keeps the news that `gone` left until it resumes.
    pub(crate) fn queue_update(&mut self, gone: ParticipantInfo) {
        if let Some(pending) = &mut self.pending_updates {
            pending.push(gone);
            if pending.len() > limits::PENDING_UPDATES {
                self.pending_updates = None;
            }
        }
    }

    /// Why the participant is given up, if its signalling has been silent or down for too long.
    pub(crate) fn expiry_reason(&self, now: Time) -> Option<DisconnectReason> {
        match self.disconnected_at {
            Some(at) => (now.since(at) > limits::RESUME_WINDOW).then_some(DisconnectReason::SignalClose),
            None => {
                let silent = now.since(self.last_heard) > limits::PING_TIMEOUT + limits::RESUME_WINDOW;
                silent.then_some(DisconnectReason::ConnectionTimeout)
            }
        }
    }
}
