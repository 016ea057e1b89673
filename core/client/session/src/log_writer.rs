use std::collections::{BTreeMap, BTreeSet, VecDeque};

use conclave_base::{MeetingId, MemberId, Queue, Secret};
use conclave_protocol::ws::{Class, ClientMessage};

use crate::Output;
use crate::envelope::{Envelope, NotOurs};
use crate::log_verifier::Chain;
use crate::rng::Chance;
use crate::screen::Screen;

/// Outputs that wait for the shell; it drains them after every input.
const OUTPUTS: usize = 4096;
/// Appends whose answer is awaited.
const UNDER_WAY: usize = 256;

/// What every stage of a meeting writes on: outputs, the screen, the log.
pub(crate) struct Desk {
    pub(crate) out: Queue<Output>,
    pub(crate) screen: Screen,
    pub(crate) chance: Chance,
    pub(crate) chain: Chain,
    envelope: Option<Envelope>,
    /// Appends may be sent: admitted and caught up.
    pub(crate) live: bool,
    next_request: u32,
    under_way: BTreeMap<u32, UnderWay>,
    /// Own chat lines that were not sent yet, or got lost.
    pub(crate) unsent: VecDeque<u32>,
    /// Own media: microphone, camera, screen, speaking.
    pub(crate) own: (bool, bool, bool, bool),
    /// Identities that this client had before: not ghosts.
    pub(crate) former: BTreeSet<MemberId>,
    /// How many were inside when this client last had to enter anew.
    pub(crate) company: usize,
}

/// An append whose answer is awaited.
pub(crate) struct UnderWay {
    pub(crate) what: Sent,
    /// To know it again in the log after a reconnect.
    sealed: Vec<u8>,
}

/// What an append was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A commit, also one that founds or joins.
    Commit,
    /// A snapshot for joiners.
    Snapshot,
    /// The own chat line with this id.
    Chat(u32),
    /// What is sent again by itself: states and heartbeats.
    Other,
}

impl Desk {
    pub(crate) fn new(chance: Chance) -> Self {
        Self {
            out: Queue::new(OUTPUTS),
            screen: Screen::default(),
            chance,
            chain: Chain::default(),
            envelope: None,
            live: false,
            next_request: 0,
            under_way: BTreeMap::new(),
            unsent: VecDeque::new(),
            own: (false, false, false, false),
            former: BTreeSet::new(),
            company: 0,
        }
    }

    pub(crate) fn seal_with(&mut self, key: &Secret<32>, meeting: MeetingId) {
        self.envelope = Some(Envelope::new(key, meeting));
    }

    /// Asks the shell for something. A shell that does not drain loses outputs: the connection then fails and is built anew.
    pub(crate) fn put(&mut self, output: Output) {
        let _ = self.out.push(output);
    }

    pub(crate) fn send(&mut self, message: &ClientMessage) {
        self.put(Output::Send(message.encode()));
    }

    /// Seals and appends an entry. Gives the request's number, or `None` when nothing can be sent now.
    pub(crate) fn append(&mut self, class: Class, content: &[u8], what: Sent) -> Option<u32> {
        if !self.live || self.under_way.len() >= UNDER_WAY {
            return None;
        }
        let sealed = self.envelope.as_ref()?.seal(class, content, &mut self.chance);
        self.next_request = self.next_request.wrapping_add(1);
        let request = self.next_request;
        let parent_commit = self.chain.last_commit();
        self.send(&ClientMessage::Append { request, class, parent_commit, sealed: sealed.clone() });
        // What is sent again by itself need not be known again.
        let sealed = if what == Sent::Other { Vec::new() } else { sealed };
        self.under_way.insert(request, UnderWay { what, sealed });
        Some(request)
    }

    /// The answer to `request` came.
    pub(crate) fn answered(&mut self, request: u32) -> Option<Sent> {
        self.under_way.remove(&request).map(|under_way| under_way.what)
    }

    /// An own entry that is still under way came back from the log.
    pub(crate) fn came_back(&mut self, sealed: &[u8]) -> Option<Sent> {
        let request = *self.under_way.iter().find(|(_, sent)| !sent.sealed.is_empty() && sent.sealed == sealed)?.0;
        self.answered(request)
    }

    /// The connection is new: no answer will come any more. Gives what was not seen in the log.
    pub(crate) fn forget_under_way(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.under_way).into_values().map(|sent| sent.what).collect()
    }

    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Result<Vec<u8>, NotOurs> {
        self.envelope.as_ref().ok_or(NotOurs)?.open(class, sealed)
    }
}
