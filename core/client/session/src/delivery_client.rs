use conclave_base::{Door, MemberId, SessionId, Time};
use conclave_mls::{GroupConfig, Member};
use conclave_protocol::challenge;
use conclave_protocol::payload::Access;
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, LogPosition, Refusal, ServerMessage};
use ed25519_dalek::Signer as _;

use crate::connection::{Connection, Need};
use crate::context::Context;
use crate::door::{self, AtTheDoor};
use crate::join_config::JoinConfig;
use crate::keys::Keys;
use crate::log_verifier::{LogBroken, LogClaim};
use crate::log_writer::{LogWriter, Sent};
use crate::snapshot::{EndReason, JoinStep};
use crate::{InputError, Output};

/// This client at the delivery service: proves that it may come in, and reads and writes the log.
pub(crate) struct DeliveryClient {
    keys: Keys,
    pub(crate) config: JoinConfig,
    connection: Connection,
    pub(crate) log: LogWriter,
    media_token: Option<MediaToken>,
}

struct MediaToken {
    /// For whom the server issued it.
    identity: MemberId,
    url: Option<String>,
    jwt: String,
}

/// An entry of the log whose place was checked.
pub(crate) struct ReadEntry {
    pub(crate) entry: Entry,
    /// `None` if it did not open, or was not sealed.
    pub(crate) content: Option<Vec<u8>>,
    /// What it is and when it was sent, if this client has it in flight; it is so no longer.
    pub(crate) echo: Option<(Sent, Time)>,
}

/// What is left for the stage to do.
pub(crate) enum Event {
    /// The server let this client in. `stale`: the log no longer has what this client read last.
    Admitted { claim: LogClaim, stale: bool },
    /// The next entry.
    Entry(ReadEntry),
    /// An append was refused.
    Refused { request: u32, sent: Option<Sent>, why: Refusal },
    /// The server says that the media connection of a member is gone.
    MediaDisconnected(MemberId),
    /// There is a newer media token.
    TokenRenewed,
    /// The connection is gone, and another one follows. So many attempts failed in a row. `sent_away`: the server had let this client in, and
    /// sends it on.
    Disconnected { failed: u32, sent_away: bool },
    /// It is over.
    Ended(EndReason),
}

impl DeliveryClient {
    /// Connects at the next [`Self::poll`].
    pub(crate) fn new(keys: Keys, config: JoinConfig, now: Time) -> Self {
        let mut connection = Connection::default();
        connection.open_now(now);
        let log = LogWriter::new(&keys);
        Self { keys, config, connection, log, media_token: None }
    }

    /// The WebSocket is open; entries are wanted from `after`, or as a joiner gets them.
    pub(crate) fn on_open(&self, after: Option<LogPosition>, ctx: &mut Context) -> Result<(), InputError> {
        if !self.connection.is_opening() {
            return Err(InputError::OutOfTurn);
        }
        ctx.send(&ClientMessage::Hello { version: conclave_protocol::limits::PROTOCOL, meeting: self.keys.meeting, after });
        Ok(())
    }

    /// The WebSocket closed by itself.
    pub(crate) fn on_close(&mut self, ctx: &mut Context, now: Time) -> Option<Event> {
        self.connection.is_in_use().then(|| self.on_disconnect(ctx, now))
    }

    /// The network may be another one: connects at the next [`Self::poll`], or asks whether the connection is still there.
    pub(crate) fn on_online(&mut self, ctx: &mut Context, now: Time) {
        if self.connection.on_online(now) {
            ctx.emit(Output::Disconnect);
        }
    }

    pub(crate) fn on_message(&mut self, bytes: &[u8], ctx: &mut Context, now: Time) -> Option<Event> {
        if !self.connection.is_in_use() {
            return None;
        }
        self.connection.on_message(now);
        self.log.on_heard(now);
        let Ok(message) = ServerMessage::decode(bytes) else { return Some(self.give_up(ctx, now)) };
        match message {
            ServerMessage::Challenge { nonce } => {
                self.prove(&nonce, ctx);
                None
            }
            ServerMessage::Admitted { media_token, media_url, head, last_commit, chain_hash, stale } => {
                if !self.connection.is_opening() {
                    return None;
                }
                self.connection.on_admitted(now);
                self.media_token = Some(MediaToken { identity: self.config.identity(), url: media_url, jwt: media_token });
                Some(Event::Admitted { claim: LogClaim { head, chain_hash, last_commit }, stale })
            }
            ServerMessage::Entry(entry) => {
                if self.connection.is_opening() {
                    return None;
                }
                match self.log.verifier.verify(&entry) {
                    Ok(()) => {
                        ctx.ending.on_entry(entry.at, now);
                        // The server's own word is not sealed.
                        let sealed = entry.class != Class::Gone;
                        let content = sealed.then(|| self.log.open(entry.class, &entry.sealed).ok()).flatten();
                        let echo = self.log.on_echo(&entry.sealed);
                        Some(Event::Entry(ReadEntry { entry, content, echo }))
                    }
                    Err(LogBroken) => Some(Event::Ended(EndReason::LogBroken)),
                }
            }
            ServerMessage::Appended { request, .. } => {
                self.log.on_appended(request, now);
                None
            }
            ServerMessage::Refused { request, why } => {
                let sent = self.log.on_refused(request);
                if let Refusal::Stale { last_commit } = why {
                    self.log.verifier.on_stale(last_commit);
                }
                Some(Event::Refused { request, sent, why })
            }
            ServerMessage::MediaDisconnected { identity } => Some(Event::MediaDisconnected(identity)),
            ServerMessage::Token { media_token } => {
                self.media_token.as_mut()?.jwt = media_token;
                Some(Event::TokenRenewed)
            }
            ServerMessage::Pong => None,
            ServerMessage::Closing { reason } => Some(self.on_closing(reason, ctx, now)),
        }
    }

    fn prove(&self, nonce: &[u8; 32], ctx: &mut Context) {
        if !self.connection.is_opening() {
            return;
        }
        let leaf = self.config.leaf_key();
        ctx.send(&ClientMessage::Prove {
            admission: self.keys.admission.sign(&challenge::admission(&self.keys.meeting, nonce)).to_bytes(),
            identity_key: leaf.verifying_key().to_bytes(),
            identity: leaf.sign(&challenge::identity(&self.keys.meeting, nonce)).to_bytes(),
        });
    }

    fn on_closing(&mut self, reason: CloseReason, ctx: &mut Context, now: Time) -> Event {
        match reason {
            CloseReason::Version => Event::Ended(EndReason::Version),
            CloseReason::Expired if ctx.ending.is_over(now) => Event::Ended(EndReason::TimeOver),
            CloseReason::NotFound | CloseReason::Expired => Event::Ended(EndReason::NotFound),
            CloseReason::BadProof => Event::Ended(EndReason::LinkWrong),
            CloseReason::Full => Event::Ended(EndReason::Full),
            CloseReason::Replaced => Event::Ended(EndReason::Replaced),
            CloseReason::Malformed => Event::Ended(EndReason::Refused),
            CloseReason::Stopping => {
                ctx.emit(Output::Disconnect);
                self.log.live = false;
                let sent_away = self.connection.is_admitted();
                Event::Disconnected { failed: self.connection.on_sent_away(&mut ctx.rng, now), sent_away }
            }
            CloseReason::TooMany | CloseReason::Timeout => self.give_up(ctx, now),
        }
    }

    /// Closes this connection and waits for another.
    pub(crate) fn give_up(&mut self, ctx: &mut Context, now: Time) -> Event {
        ctx.emit(Output::Disconnect);
        self.on_disconnect(ctx, now)
    }

    fn on_disconnect(&mut self, ctx: &mut Context, now: Time) -> Event {
        self.log.live = false;
        Event::Disconnected { failed: self.connection.on_disconnect(&mut ctx.rng, now), sent_away: false }
    }

    /// Whether the server let this client in and owes it entries that it said are there.
    pub(crate) fn is_owed(&self) -> bool {
        let verifier = &self.log.verifier;
        self.connection.is_admitted() && !(verifier.has_head() && verifier.has_all_commits())
    }

    /// Tells the server that this client will not come back by itself.
    pub(crate) fn leave(&mut self, ctx: &mut Context) {
        if self.log.live {
            ctx.send(&ClientMessage::Leave);
        }
        self.close(ctx);
    }

    /// Begins anew over a new connection, as a new leaf. Gives what was appended and is not known to be in the log.
    pub(crate) fn rejoin(&mut self, ctx: &mut Context, now: Time) -> Vec<Sent> {
        self.close(ctx);
        self.connection.open_now(now);
        ctx.ending.reset(&mut ctx.screen);
        self.log.verifier = Default::default();
        self.log.discard_in_flight()
    }

    pub(crate) fn close(&mut self, ctx: &mut Context) {
        self.log.live = false;
        if self.connection.is_in_use() {
            ctx.emit(Output::Disconnect);
        }
        self.connection.close();
    }

    /// Gives the media layer the newest token.
    pub(crate) fn emit_media_token(&self, ctx: &mut Context) {
        if let Some(MediaToken { identity, url, jwt }) = &self.media_token {
            ctx.emit(Output::MediaToken { identity: *identity, url: url.clone(), jwt: jwt.clone() });
        }
    }

    pub(crate) fn renew_media_token(&self, ctx: &mut Context) {
        if self.log.live {
            ctx.send(&ClientMessage::RenewToken);
        }
    }

    pub(crate) fn group_config(&self, ctx: &mut Context) -> GroupConfig {
        // Through an open door whoever was removed comes in by another key anyway: nobody has to wait for a host for that.
        let binding = |access: &&Access| access.door != Door::Open || self.config.is_host();
        let access = ctx.memory.access().filter(binding).cloned();
        self.config.group_config(&self.keys, access, &mut ctx.rng)
    }

    /// The same to found a session: whom a host made a host founds it as one, and what was ordered holds on.
    pub(crate) fn founding_config(&self, ctx: &mut Context) -> GroupConfig {
        let key = self.config.leaf_key().verifying_key().to_bytes();
        let is_appointed = |access: &&Access| access.appointed.iter().any(|host| host.leaf_key == key);
        let appointed = ctx.memory.access().filter(is_appointed).cloned();
        let config = self.group_config(ctx);
        GroupConfig { access: config.access.or(appointed), ..config }
    }

    /// Asks to be let into this session.
    pub(crate) fn knock(&mut self, session: &SessionId, order: u32, ctx: &mut Context, now: Time) {
        let seen = ctx.memory.ordered.clone().filter(|seen| seen.policy.access.order > order).map(Box::new);
        let request = door::knock(&self.config.name(), &self.config.leaf_key(), &self.keys.meeting, session, seen);
        self.log.append(Class::JoinRequest, &request.encode(), Sent::Other, ctx, now);
    }

    /// What a join request says, if it is one of this meeting and session.
    pub(crate) fn read_join_request(&self, content: &[u8], inside: &[Member], session: &SessionId) -> Option<AtTheDoor> {
        door::read(content, inside, &self.keys.meeting, session)
    }

    /// Says that it is there.
    pub(crate) fn ping(&self, ctx: &mut Context) {
        ctx.send(&ClientMessage::Ping);
    }

    /// Connects, keeps the connection alive or gives it up, when it is time.
    pub(crate) fn poll(&mut self, ctx: &mut Context, now: Time) -> Option<Event> {
        match self.connection.poll(now) {
            Need::Nothing => None,
            Need::Connect => {
                ctx.screen.joining(JoinStep::Connecting);
                ctx.emit(Output::Connect);
                None
            }
            Need::Ping => {
                self.ping(ctx);
                None
            }
            Need::GiveUp => Some(self.give_up(ctx, now)),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.connection.deadline()
    }
}
