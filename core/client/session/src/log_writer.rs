use std::collections::BTreeMap;

use conclave_base::MemberId;
use conclave_mls::{Group, Outgoing};
use conclave_protocol::payload::App;
use conclave_protocol::ws::{Class, ClientMessage};

use crate::chat_queue::UnsentLine;
use crate::context::Context;
use crate::envelope::{Envelope, NotOurs};
use crate::keys::Keys;
use crate::log_verifier::LogVerifier;

/// Appends that may be in flight.
const IN_FLIGHT: usize = 256;

/// This client's end of the log: what it appends, and how far it has read.
pub(crate) struct LogWriter {
    envelope: Envelope,
    pub(crate) verifier: LogVerifier,
    /// Appends may be sent: admitted and caught up.
    pub(crate) live: bool,
    next_request: u32,
    in_flight: BTreeMap<u32, InFlight>,
}

/// An append that was not seen in the log yet.
struct InFlight {
    sent: Sent,
    /// To know it again in the log; empty if its acknowledgement is enough.
    sealed: Vec<u8>,
}

/// What an append was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A commit, also one that creates the group or joins it.
    Commit,
    /// A snapshot for joiners.
    Snapshot,
    /// An own line of chat.
    Chat(UnsentLine),
    /// What the user found on comparing the code with this member.
    Comparison(MemberId),
    /// What is sent again by itself: states and heartbeats.
    Other,
}

impl LogWriter {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self {
            envelope: Envelope::new(&keys.envelope, keys.meeting),
            verifier: LogVerifier::default(),
            live: false,
            next_request: 0,
            in_flight: BTreeMap::new(),
        }
    }

    /// Seals and appends an entry. Gives the request's number, or `None` when nothing can be sent now.
    pub(crate) fn append(&mut self, class: Class, content: &[u8], sent: Sent, ctx: &mut Context) -> Option<u32> {
        if !self.live || self.in_flight.len() >= IN_FLIGHT {
            return None;
        }
        let sealed = self.envelope.seal(class, content, &mut ctx.rng);
        self.next_request = self.next_request.wrapping_add(1);
        let request = self.next_request;
        let parent_commit = self.verifier.last_commit();
        ctx.send(&ClientMessage::Append { request, class, parent_commit, sealed: sealed.clone() });
        // What is sent again by itself need not be seen.
        let sealed = if sent == Sent::Other { Vec::new() } else { sealed };
        self.in_flight.insert(request, InFlight { sent, sealed });
        Some(request)
    }

    /// Appends an MLS application message. Gives whether it was sent.
    pub(crate) fn append_app(&mut self, group: &mut Group, app: &App, sent: Sent, ctx: &mut Context) -> bool {
        let Ok(Outgoing { class, bytes }) = group.application(app) else { return false };
        self.append(class, &bytes, sent, ctx).is_some()
    }

    /// The server says that it appended `request`. What has to be seen in the log stays in flight until it is.
    pub(crate) fn on_appended(&mut self, request: u32) {
        if self.in_flight.get(&request).is_some_and(|append| append.sealed.is_empty()) {
            self.in_flight.remove(&request);
        }
    }

    /// The server refused `request`.
    pub(crate) fn on_refused(&mut self, request: u32) -> Option<Sent> {
        self.take(request)
    }

    fn take(&mut self, request: u32) -> Option<Sent> {
        self.in_flight.remove(&request).map(|append| append.sent)
    }

    /// An entry came; if it is one in flight, it is so no longer.
    pub(crate) fn on_echo(&mut self, sealed: &[u8]) -> Option<Sent> {
        let request = *self.in_flight.iter().find(|(_, append)| !append.sealed.is_empty() && append.sealed == sealed)?.0;
        self.take(request)
    }

    /// The connection is new: no answer will come any more. Gives what was not seen in the log, oldest first.
    pub(crate) fn discard_in_flight(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.in_flight).into_values().map(|append| append.sent).collect()
    }

    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        self.envelope.open(class, sealed)
    }
}
