use std::time::Instant;

use conclave_base::{MemberId, Seq};
use conclave_delivery::{AppendError, Cursor, Log};
use conclave_protocol::limits::LOG_BYTES;
use conclave_protocol::ws::{Class, ClientMessage, Entry, LogPosition, LogTime, Refusal, ServerMessage};

use super::{Instead, Lie};

/// Sealed messages over this are long lines of chat: a heartbeat and a state are padded to less.
const LINE: usize = 1024;

/// What the operator knows, and what it tells.
#[derive(Debug)]
pub(super) struct Operator {
    lie: Lie,
    lied: bool,
    /// The log as it is, and when its last entry came.
    truth: Vec<Entry>,
    heard: Instant,
    /// The log that the victims are given.
    log: Log,
    /// What the victims appended.
    said: Vec<(Class, Vec<u8>)>,
    /// The first of two lines that change places.
    held: Option<Entry>,
    /// The true time from which on the clock runs otherwise.
    clock_since: LogTime,
    /// Connections that began before this number rose have ended.
    pub(super) generation: u64,
}

/// One victim's connection.
#[derive(Debug, Default)]
pub(super) struct Seat {
    after: Option<LogPosition>,
    reader: Option<Cursor>,
    /// Entries that stand in no log.
    made_up: Vec<Entry>,
}

/// Where what a victim says goes.
pub(super) enum Way {
    /// To the true server.
    On(ClientMessage),
    /// An answer comes back, and nothing goes on.
    Back(ServerMessage),
    /// Nowhere.
    Nowhere,
}

impl Operator {
    pub(super) fn new() -> Self {
        Self {
            lie: Lie::Nothing,
            lied: false,
            truth: Vec::new(),
            heard: Instant::now(),
            log: Log::new(LOG_BYTES),
            said: Vec::new(),
            held: None,
            clock_since: LogTime(0),
            generation: 0,
        }
    }

    pub(super) fn lie(&mut self, lie: Lie) {
        (self.lie, self.lied, self.held, self.clock_since) = (lie, false, None, self.time());
        if lie == Lie::Cut {
            self.generation += 1;
        }
    }

    pub(super) fn tell_truth(&mut self) {
        self.begin_anew(self.truth.len(), Lie::Nothing);
        self.generation += 1;
    }

    pub(super) fn rewind(&mut self, length: usize) {
        self.begin_anew(length, Lie::Fork);
        self.generation += 1;
    }

    fn begin_anew(&mut self, length: usize, lie: Lie) {
        self.log = Log::new(LOG_BYTES);
        for entry in self.truth.iter().take(length).cloned().collect::<Vec<_>>() {
            self.give(entry);
        }
        (self.lie, self.lied) = (lie, false);
    }

    pub(super) fn call_gone(&mut self, who: &MemberId) {
        self.give(Entry::new(&[0; 32], Seq(0), self.time(), Class::Gone, who.as_bytes().to_vec()));
    }

    pub(super) fn is_cut(&self) -> bool {
        self.lie == Lie::Cut
    }

    pub(super) fn length(&self) -> usize {
        self.truth.len()
    }

    pub(super) fn count(&self, class: Class) -> usize {
        self.truth.iter().filter(|entry| entry.class == class).count()
    }

    pub(super) fn has_lied(&self) -> bool {
        self.lied
    }

    /// The true log goes on.
    pub(super) fn on_truth(&mut self, entry: Entry) {
        self.truth.push(entry.clone());
        self.heard = Instant::now();
        let is_own = self.said.iter().any(|(_, sealed)| *sealed == entry.sealed);
        let is_line = entry.class == Class::Message && entry.sealed.len() > LINE && !is_own;
        match self.lie {
            Lie::Freeze | Lie::Fork => self.lied = true,
            Lie::EchoAlone if !is_own => self.lied = true,
            Lie::InsteadOfLine(instead) if is_line && !self.lied => {
                self.lied = true;
                self.give_instead(instead, entry);
            }
            Lie::SwapLines if is_line && !self.lied => match self.held.take() {
                None => self.held = Some(entry),
                Some(first) => {
                    self.lied = true;
                    self.give(entry);
                    self.give(first);
                }
            },
            Lie::Clock(percent) => {
                self.lied = true;
                let since = entry.at.0.saturating_sub(self.clock_since.0);
                self.give(Entry { at: LogTime(self.clock_since.0 + since * percent / 100), ..entry });
            }
            Lie::Nothing | Lie::EchoAlone | Lie::Cut | Lie::Drop { .. } | Lie::InsteadOfLine(_) | Lie::SwapLines | Lie::LastNumber => {
                self.give(entry)
            }
        }
    }

    fn give_instead(&mut self, instead: Instead, line: Entry) {
        let message = |(class, sealed): (Class, &Vec<u8>)| (class == Class::Message).then(|| sealed.clone());
        let sealed = match instead {
            Instead::Nothing => None,
            Instead::OwnWords => self.said.iter().map(|(class, sealed)| (*class, sealed)).find_map(message),
            Instead::OldWords => self.truth.iter().map(|entry| (entry.class, &entry.sealed)).find_map(message),
        };
        if let Some(sealed) = sealed {
            self.give(Entry { sealed, ..line });
        }
    }

    /// Appends this to the victims' log, whose places and chain follow from what is in it.
    fn give(&mut self, entry: Entry) {
        // What is refused was refused by the true server too, or lacks what it builds upon.
        let _refused = self.log.append(entry.class, self.log.last_commit(), entry.sealed, entry.at);
    }

    /// The log's time, as the true server would have it.
    fn time(&self) -> LogTime {
        let elapsed = u64::try_from(self.heard.elapsed().as_millis()).unwrap_or(u64::MAX);
        LogTime(self.truth.last().map_or(0, |entry| entry.at.0 + elapsed))
    }

    /// A victim says something.
    pub(super) fn on_client(&mut self, seat: &mut Seat, message: ClientMessage) -> Way {
        match message {
            ClientMessage::Hello { version, meeting, after } => {
                seat.after = after;
                if after.is_none() && self.lied && matches!(self.lie, Lie::InsteadOfLine(_) | Lie::SwapLines) {
                    self.begin_anew(self.truth.len(), Lie::Nothing);
                }
                // What it has read of the victims' log, it has of the true one.
                let returns = after.is_some_and(|after| self.log.reader_from(after).is_ok());
                let newest = self.truth.last().map(|entry| LogPosition { seq: entry.seq, chain_hash: entry.chain_hash });
                Way::On(ClientMessage::Hello { version, meeting, after: newest.filter(|_| returns) })
            }
            ClientMessage::Append { request, class, parent_commit, sealed } => {
                self.said.push((class, sealed.clone()));
                self.append(request, class, parent_commit, sealed)
            }
            ClientMessage::Prove { .. } | ClientMessage::RenewToken | ClientMessage::Ping | ClientMessage::Leave => Way::On(message),
        }
    }

    fn append(&mut self, request: u32, class: Class, parent_commit: Seq, sealed: Vec<u8>) -> Way {
        let acknowledged = match self.lie {
            Lie::Freeze => Some(true),
            Lie::Drop { class: dropped, acknowledged } if dropped == class => Some(acknowledged),
            Lie::Nothing
            | Lie::EchoAlone
            | Lie::Cut
            | Lie::Drop { .. }
            | Lie::InsteadOfLine(_)
            | Lie::SwapLines
            | Lie::Fork
            | Lie::Clock(_)
            | Lie::LastNumber => None,
        };
        if let Some(acknowledged) = acknowledged {
            self.lied = true;
            let answer = ServerMessage::Appended { request, seq: self.log.head().next() };
            return if acknowledged { Way::Back(answer) } else { Way::Nowhere };
        }
        if self.lie == Lie::Fork {
            return Way::Back(match self.log.append(class, parent_commit, sealed, self.time()) {
                Ok(seq) => ServerMessage::Appended { request, seq },
                Err(AppendError::Stale { last_commit }) => ServerMessage::Refused { request, why: Refusal::Stale { last_commit } },
                Err(AppendError::TooLarge | AppendError::Full | AppendError::Over) => {
                    ServerMessage::Refused { request, why: Refusal::Busy }
                }
            });
        }
        let newest = self.truth.iter().rev().find(|entry| entry.class == Class::Commit).map_or(Seq(0), |entry| entry.seq);
        let knows = parent_commit == self.log.last_commit();
        Way::On(ClientMessage::Append { request, class, parent_commit: if knows { newest } else { Seq(0) }, sealed })
    }

    /// The true server says something to a victim; gives what the victim is told.
    pub(super) fn on_server(&mut self, seat: &mut Seat, message: ServerMessage) -> Option<ServerMessage> {
        match message {
            ServerMessage::Admitted { media_token, media_url, .. } => Some(self.admit(seat, media_token, media_url)),
            ServerMessage::Entry(_) => None,
            ServerMessage::Refused { request, why: Refusal::Stale { .. } } => {
                Some(ServerMessage::Refused { request, why: Refusal::Stale { last_commit: self.log.last_commit() } })
            }
            ServerMessage::Challenge { .. }
            | ServerMessage::Appended { .. }
            | ServerMessage::Refused { .. }
            | ServerMessage::MediaDisconnected { .. }
            | ServerMessage::Token { .. }
            | ServerMessage::Pong
            | ServerMessage::Closing { .. } => Some(message),
        }
    }

    fn admit(&mut self, seat: &mut Seat, media_token: String, media_url: Option<String>) -> ServerMessage {
        let (mut head, mut chain_hash, last_commit) = (self.log.head(), self.log.chain_hash(), self.log.last_commit());
        let returning = seat.after.map(|after| self.log.reader_from(after));
        let stale = matches!(returning, Some(Err(_)));
        seat.reader = Some(returning.and_then(Result::ok).unwrap_or_else(|| self.log.reader_from_snapshot()));
        if self.lie == Lie::LastNumber {
            self.lied = true;
            let commit = self.truth.iter().find(|entry| entry.class == Class::Commit).map(|entry| entry.sealed.clone());
            let claimed = Entry::new(&chain_hash, Seq(u64::MAX - 1), self.time(), Class::Commit, commit.unwrap_or_default());
            let last = Entry::new(&claimed.chain_hash, Seq(u64::MAX), claimed.at, Class::Message, Vec::new());
            let beyond = Entry::new(&last.chain_hash, Seq(0), claimed.at, Class::Message, Vec::new());
            (head, chain_hash) = (claimed.seq, claimed.chain_hash);
            (seat.reader, seat.made_up) = (None, vec![claimed, last, beyond]);
        }
        ServerMessage::Admitted { media_token, media_url, head, last_commit, chain_hash, stale }
    }

    /// The next entry for a victim.
    pub(super) fn next(&self, seat: &mut Seat) -> Option<Entry> {
        if !seat.made_up.is_empty() {
            return Some(seat.made_up.remove(0));
        }
        // A log of a test loses nothing.
        self.log.read(seat.reader.as_mut()?).ok().flatten().map(|entry| Entry::clone(entry))
    }
}
