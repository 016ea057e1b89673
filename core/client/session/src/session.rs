use std::time::Duration;

use crate::snapshot::{Command, EndReason, JoinStep, Phase, Snapshot};
use conclave_base::{Codec, Epoch, MemberId, Redacted, Secret, Seq, Source, Time};
use conclave_media_crypto::Track;
use conclave_protocol::challenge;
use conclave_protocol::http::{ApiError, ApiErrorCode, LookupMeeting, MeetingInfo};
use conclave_protocol::payload::Meta;
use conclave_protocol::ws::{ClientMessage, CloseReason, Entry, Refusal, ServerMessage};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::connection::{Need, Socket};
use crate::joiner::{Entered, Entering, Ticket};
use crate::keys::Keys;
use crate::log_verifier::{Broken, Chain};
use crate::log_writer::{Desk, Sent};
use crate::meeting_record::{self, MetaError};
use crate::membership::{Inside, Still, clean_text};
use crate::rng::Chance;
use crate::{Config, Input, InputError, Link, OpenError, Output, SealError};

/// Look-ups and connections that may fail in a row before a client that is not inside gives up.
const ATTEMPTS: u32 = 4;
const LOOK_UP_AGAIN: Duration = Duration::from_millis(750);
/// From admission to a place in the group.
const ENTERING: Duration = Duration::from_secs(20);
/// Longest name as typed, in bytes, before it is cleaned.
const NAME_BYTES: usize = 1024;
/// Longest passphrase, in bytes.
const PASSPHRASE_BYTES: usize = 1024;
/// Own chat lines that may wait for a connection.
const UNSENT: usize = 64;
/// Identities that the media layer may report at once.
const MEDIA_PEERS: usize = 4096;

/// One opened link, from the waiting page to the end.
pub struct Session {
    link: Option<Link>,
    host: Option<Secret<32>>,
    stage: Stage,
    socket: Socket,
    desk: Desk,
    /// Told once inside.
    token: Option<(Option<String>, String)>,
}

enum Stage {
    /// Asking what the server keeps.
    Looking {
        passphrase: Option<Redacted<String>>,
        failed: u32,
        again: Option<Time>,
    },
    /// The record does not open without a passphrase, or with another one.
    Locked {
        sealed_meta: Vec<u8>,
        info: (u32, u32),
        wrong: u32,
    },
    /// Waiting for a name.
    Ready {
        keys: Box<Keys>,
        meta: Box<Meta>,
    },
    Entering {
        keys: Box<Keys>,
        ticket: Box<Ticket>,
        entering: Box<Entering>,
        deadline: Option<Time>,
    },
    Inside {
        keys: Box<Keys>,
        ticket: Box<Ticket>,
        inside: Box<Inside>,
    },
    Over,
}

impl Session {
    /// Reads the link and asks the server what it keeps of the meeting. A link that is not whole is [`EndReason::LinkCut`].
    pub fn new(config: Config, now: Time) -> Self {
        let Config { link, host, passphrase, seed } = config;
        let mut meeting = Self {
            link: Link::parse(link.expose()).ok(),
            host,
            stage: Stage::Looking { passphrase, failed: 0, again: None },
            socket: Socket::default(),
            desk: Desk::new(Chance::new(&seed)),
            token: None,
        };
        if meeting.link.is_some() {
            meeting.look_up();
        } else {
            meeting.over(EndReason::LinkCut);
        }
        meeting.run(now);
        meeting
    }

    /// Takes one input and does what is due. Then [`Self::poll`] until [`Output::Idle`].
    pub fn handle(&mut self, input: Input, now: Time) -> Result<(), InputError> {
        if let Stage::Inside { inside, .. } = &mut self.stage {
            inside.woke(now);
        }
        let done = match input {
            Input::HttpDone { status, body } => self.looked_up(status, &body, now),
            Input::HttpFailed => self.look_up_failed(now),
            Input::Opened => self.opened(),
            Input::Received(bytes) => {
                self.received(&bytes, now);
                Ok(())
            }
            Input::Closed => {
                self.broke(now);
                Ok(())
            }
            Input::Command(command) => self.command(command, now),
            Input::TokenWanted => {
                if self.desk.live {
                    self.desk.send(&ClientMessage::RenewToken);
                }
                Ok(())
            }
            Input::Tick => Ok(()),
        };
        self.run(now);
        done
    }

    /// The next thing that the shell should do.
    pub fn poll(&mut self, now: Time) -> Output {
        if let Some(output) = self.desk.out.pop() {
            return output;
        }
        if self.desk.screen.take_changed() {
            return Output::SnapshotChanged;
        }
        Output::Idle(self.due(now))
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> &Snapshot {
        &self.desk.screen.snapshot
    }

    /// Seals one encoded frame of an own track. On an error the frame must not be sent. Then [`Self::poll`].
    pub fn seal(&mut self, source: Source, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, SealError> {
        let Stage::Inside { inside, .. } = &mut self.stage else { return Err(SealError::NoKey) };
        inside.switch(&mut self.desk, now);
        let sealed = inside.frames.seal(source, codec, frame, now);
        if sealed == Err(SealError::NoKey) {
            inside.switching.frame_lost();
        }
        sealed
    }

    /// Opens one frame that came on the track `source` of `owner`. On [`OpenError::EpochUnknown`] wait at most 1.5 s for the
    /// epoch and try again; on every other error drop the frame. The user is told by the snapshot: [`Self::poll`] after an error.
    pub fn open(&mut self, owner: &MemberId, source: Source, codec: Codec, frame: &[u8], now: Time) -> Result<Vec<u8>, OpenError> {
        let Stage::Inside { inside, .. } = &mut self.stage else { return Err(OpenError::EpochUnknown) };
        let track = Track { owner: *owner, source };
        let opened = inside.frames.open(track, codec, frame, now);
        match &opened {
            Ok(_) => inside.watch.opened(owner, source),
            Err(error) => inside.not_opened(*error, (*owner, source), &mut self.desk, now),
        }
        opened
    }

    fn look_up(&mut self) {
        let Some(link) = &self.link else { return };
        let body = serde_json::to_vec(&LookupMeeting { meeting: link.meeting() }).expect("the type has no failing serializer");
        self.desk.put(Output::Http { path: conclave_protocol::paths::MEETING_LOOKUP, body });
    }

    fn looked_up(&mut self, status: u16, body: &[u8], now: Time) -> Result<(), InputError> {
        let Stage::Looking { passphrase, again: None, .. } = &mut self.stage else { return Err(InputError::OutOfTurn) };
        let body = if body.len() > conclave_protocol::limits::HTTP_BODY { &[] } else { body };
        if status == 200 {
            let Ok(info) = serde_json::from_slice::<MeetingInfo>(body) else {
                self.over(EndReason::Refused);
                return Ok(());
            };
            let passphrase = passphrase.take();
            self.unlock(info.sealed_meta, (info.inside, info.limit), passphrase, 0);
            return Ok(());
        }
        match serde_json::from_slice::<ApiError>(body).map(|problem| problem.code) {
            Ok(ApiErrorCode::NotFound) => self.over(EndReason::NotFound),
            Ok(ApiErrorCode::Malformed | ApiErrorCode::TooLarge | ApiErrorCode::Exists) => self.over(EndReason::Refused),
            Ok(ApiErrorCode::Busy | ApiErrorCode::Internal) | Err(_) => return self.look_up_failed(now),
        }
        Ok(())
    }

    fn look_up_failed(&mut self, now: Time) -> Result<(), InputError> {
        let Stage::Looking { failed, again: again @ None, .. } = &mut self.stage else { return Err(InputError::OutOfTurn) };
        *failed += 1;
        *again = Some(now + LOOK_UP_AGAIN * *failed);
        if *failed >= ATTEMPTS {
            self.over(EndReason::Unreachable);
        }
        Ok(())
    }

    /// Opens what the server keeps, and checks that the link's host signed it.
    fn unlock(&mut self, sealed_meta: Vec<u8>, info: (u32, u32), passphrase: Option<Redacted<String>>, wrong: u32) {
        let Some(link) = &self.link else { return };
        let needed = meeting_record::wants_passphrase(&sealed_meta);
        let given = passphrase.as_ref().map(|text| text.expose().as_str()).filter(|text| needed && !text.is_empty());
        if needed && given.is_none() {
            return self.locked(sealed_meta, info, wrong);
        }
        let keys = Keys::new(link, given);
        match meeting_record::open(link, &keys, &sealed_meta) {
            Ok(meta) => {
                self.desk.seal_with(&keys.envelope, keys.meeting);
                let is_host = self
                    .host
                    .as_ref()
                    .is_some_and(|seed| meta.policy.host_keys.contains(&SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes()));
                self.host = self.host.take().filter(|_| is_host);
                self.desk.screen.set(|s| &mut s.host, is_host);
                self.desk.screen.set(|s| &mut s.title, meta.title.expose().clone());
                self.desk.screen.phase(Phase::Prejoin { inside: info.0, limit: info.1 });
                self.stage = Stage::Ready { keys: Box::new(keys), meta: Box::new(meta) };
            }
            Err(MetaError::Passphrase) => self.locked(sealed_meta, info, wrong + 1),
            Err(MetaError::Link) => self.over(EndReason::LinkWrong),
            Err(MetaError::Host) => self.over(EndReason::HostMismatch),
            Err(MetaError::Version) => self.over(EndReason::Version),
        }
    }

    fn locked(&mut self, sealed_meta: Vec<u8>, info: (u32, u32), wrong: u32) {
        self.stage = Stage::Locked { sealed_meta, info, wrong };
        self.desk.screen.phase(Phase::NeedsPassphrase { wrong });
    }

    fn command(&mut self, command: Command, now: Time) -> Result<(), InputError> {
        match command {
            Command::Passphrase { text } => {
                if text.len() > PASSPHRASE_BYTES {
                    return Err(InputError::Text);
                }
                let Stage::Locked { sealed_meta, info, wrong } = &mut self.stage else { return Err(InputError::OutOfTurn) };
                let (sealed_meta, info, wrong) = (std::mem::take(sealed_meta), *info, *wrong);
                self.unlock(sealed_meta, info, Some(Redacted::new(text)), wrong);
            }
            Command::Join { name } => self.join(name, now)?,
            Command::Leave => self.leave(),
            Command::Chat { text } => {
                let Stage::Inside { inside, .. } = &self.stage else { return Err(InputError::OutOfTurn) };
                let text = clean_text(&text).ok_or(InputError::Text)?;
                if self.desk.unsent.len() >= UNSENT {
                    return Err(InputError::Busy);
                }
                let me = inside.group.me();
                let line = self.desk.screen.line(me.to_text(), inside.name_of(&me).unwrap_or_default(), text, true, now);
                self.desk.unsent.push_back(line);
            }
            Command::Media { mic, camera, screen } => {
                let speaking = self.desk.own.3 && mic;
                self.own((mic, camera, screen, speaking), now);
            }
            Command::Speaking { on } => {
                let (mic, camera, screen, _) = self.desk.own;
                self.own((mic, camera, screen, on && mic), now);
            }
            Command::Remove { identity } => {
                let Stage::Inside { inside, .. } = &mut self.stage else { return Err(InputError::OutOfTurn) };
                let who: MemberId = identity.parse().map_err(|_| InputError::NoMember)?;
                if self.host.is_none() {
                    return Err(InputError::NotHost);
                }
                if who == inside.group.me() || inside.name_of(&who).is_none() {
                    return Err(InputError::NoMember);
                }
                inside.upkeep.remove.insert(who);
            }
            Command::Shown { epoch } => {
                let Stage::Inside { inside, .. } = &mut self.stage else { return Err(InputError::OutOfTurn) };
                if Epoch(epoch) > inside.group.epoch() {
                    return Err(InputError::OutOfTurn);
                }
                inside.switching.shown(Epoch(epoch));
            }
            Command::MediaPeers { identities } => {
                let Stage::Inside { inside, .. } = &mut self.stage else { return Err(InputError::OutOfTurn) };
                if identities.len() > MEDIA_PEERS {
                    return Err(InputError::Busy);
                }
                inside.watch.peers(identities, now);
            }
        }
        Ok(())
    }

    fn own(&mut self, own: (bool, bool, bool, bool), now: Time) {
        if self.desk.own != own {
            self.desk.own = own;
            if let Stage::Inside { inside, .. } = &mut self.stage {
                inside.upkeep.state_changed(now);
            }
        }
    }

    fn join(&mut self, name: String, now: Time) -> Result<(), InputError> {
        if name.len() > NAME_BYTES {
            return Err(InputError::Text);
        }
        let Stage::Ready { keys, meta } = &mut self.stage else { return Err(InputError::OutOfTurn) };
        let signer = self.desk.chance.secret();
        let ticket = Ticket { policy: meta.policy.clone(), name, signer, host: self.host.clone() };
        let keys = keys.clone();
        self.enter(keys, Box::new(ticket), now);
        Ok(())
    }

    /// On the way in over a new connection, as a new leaf.
    fn enter(&mut self, keys: Box<Keys>, ticket: Box<Ticket>, now: Time) {
        self.desk.live = false;
        self.desk.chain = Chain::default();
        if self.socket.is_in_use() {
            self.desk.put(Output::Disconnect);
        }
        self.socket.open_now(now);
        self.stage = Stage::Entering { keys, ticket, entering: Box::default(), deadline: None };
    }

    /// Out of the group, but with every right to come back: under a new leaf, since this one's keys may have been in use.
    fn enter_anew(&mut self, now: Time) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let (keys, mut ticket) = match stage {
            Stage::Inside { keys, ticket, inside } => {
                self.desk.former.insert(inside.group.me());
                self.desk.company = inside.group.members().len();
                let lost = self.desk.forget_under_way();
                self.desk.unsent.extend(lost.into_iter().filter_map(|sent| if let Sent::Chat(line) = sent { Some(line) } else { None }));
                self.desk.screen.reconnecting(now);
                (keys, ticket)
            }
            Stage::Entering { keys, ticket, .. } => {
                self.desk.forget_under_way();
                (keys, ticket)
            }
            other @ (Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over) => {
                self.stage = other;
                return;
            }
        };
        ticket.signer = self.desk.chance.secret();
        self.enter(keys, ticket, now);
    }

    fn leave(&mut self) {
        if let Stage::Inside { inside, .. } = &mut self.stage {
            // A commit that is under way may or may not count: then the others notice by silence.
            inside.group.discard_pending();
            if let Ok(request) = inside.group.leave() {
                self.desk.append(request.class, &request.bytes, Sent::Other);
            }
        }
        self.over(EndReason::Left);
    }

    fn over(&mut self, reason: EndReason) {
        self.stage = Stage::Over;
        self.desk.live = false;
        if self.socket.is_in_use() {
            self.desk.put(Output::Disconnect);
        }
        self.socket.close();
        self.desk.screen.set(|s| &mut s.security, Default::default());
        self.desk.screen.over(reason);
    }

    fn opened(&mut self) -> Result<(), InputError> {
        let (keys, after) = match &self.stage {
            Stage::Entering { keys, .. } => (keys, None),
            Stage::Inside { keys, .. } => (keys, Some(self.desk.chain.place())),
            Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => return Err(InputError::OutOfTurn),
        };
        if !self.socket.is_opening() {
            return Err(InputError::OutOfTurn);
        }
        self.desk.send(&ClientMessage::Hello { version: conclave_protocol::limits::PROTOCOL, meeting: keys.meeting, after });
        Ok(())
    }

    /// The connection is gone.
    fn broke(&mut self, now: Time) {
        if !self.socket.is_in_use() {
            return;
        }
        self.desk.live = false;
        let failed = self.socket.broke(&mut self.desk.chance, now);
        match &mut self.stage {
            Stage::Inside { inside, .. } => {
                inside.broke(now);
                self.desk.screen.reconnecting(now);
            }
            Stage::Entering { ticket, entering, deadline, .. } => {
                // A commit of that leaf may have taken its place: the next attempt is another leaf.
                ticket.signer = self.desk.chance.secret();
                (**entering, *deadline) = (Entering::default(), None);
                self.desk.forget_under_way();
                if failed >= ATTEMPTS && !self.desk.screen.is_reconnecting() {
                    self.over(EndReason::Unreachable);
                }
            }
            Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => self.socket.close(),
        }
    }

    fn give_up(&mut self, now: Time) {
        self.desk.put(Output::Disconnect);
        self.broke(now);
    }

    fn received(&mut self, bytes: &[u8], now: Time) {
        if !self.socket.is_in_use() {
            return;
        }
        self.socket.heard(now);
        let Ok(message) = ServerMessage::decode(bytes) else { return self.give_up(now) };
        match message {
            ServerMessage::Challenge { nonce } => self.prove(&nonce),
            ServerMessage::Admitted { media_token, media_url, head, last_commit, chain_hash, stale } => {
                self.token = Some((media_url, media_token));
                self.admitted(head, last_commit, chain_hash, stale, now);
            }
            ServerMessage::Entry(entry) => self.entry(&entry, now),
            ServerMessage::Appended { request, .. } => {
                if let Some(Sent::Chat(line)) = self.desk.answered(request) {
                    self.desk.screen.line_sent(line);
                }
            }
            ServerMessage::Refused { request, why } => self.refused(request, why, now),
            ServerMessage::MemberDisconnected { identity } => {
                if let Stage::Inside { inside, .. } = &mut self.stage {
                    inside.peers.hint(&identity, now);
                }
            }
            ServerMessage::Token { media_token } => {
                if let Some((url, jwt)) = &mut self.token {
                    *jwt = media_token;
                    let output = Output::MediaToken { url: url.clone(), jwt: jwt.clone() };
                    self.desk.put(output);
                }
            }
            ServerMessage::Pong => {}
            ServerMessage::Closing { reason } => self.closing(reason, now),
        }
    }

    fn prove(&mut self, nonce: &[u8; 32]) {
        let (Stage::Entering { keys, ticket, .. } | Stage::Inside { keys, ticket, .. }) = &self.stage else { return };
        if !self.socket.is_opening() {
            return;
        }
        let leaf = SigningKey::from_bytes(ticket.signer.expose());
        let prove = ClientMessage::Prove {
            admission: keys.admission.sign(&challenge::admission(&keys.meeting, nonce)).to_bytes(),
            identity_key: leaf.verifying_key().to_bytes(),
            identity: leaf.sign(&challenge::identity(&keys.meeting, nonce)).to_bytes(),
        };
        self.desk.send(&prove);
    }

    fn admitted(&mut self, head: Seq, last_commit: Seq, chain_hash: [u8; 32], stale: bool, now: Time) {
        if !self.socket.is_opening() {
            return;
        }
        self.socket.admitted(now);
        match &mut self.stage {
            Stage::Entering { deadline, .. } => {
                *deadline = Some(now + ENTERING);
                self.desk.chain = Chain::newcomer(head, chain_hash, last_commit);
                self.desk.live = true;
                self.desk.screen.joining(JoinStep::CatchingUp);
            }
            Stage::Inside { .. } if stale => self.enter_anew(now),
            Stage::Inside { .. } => match self.desk.chain.returned(head, chain_hash, last_commit) {
                Ok(()) => {
                    self.tell_token();
                    self.caught_up(now);
                }
                Err(Broken) => self.over(EndReason::LogBroken),
            },
            Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => {}
        }
    }

    fn tell_token(&mut self) {
        if let Some((url, jwt)) = self.token.clone() {
            self.desk.put(Output::MediaToken { url, jwt });
        }
    }

    fn caught_up(&mut self, now: Time) {
        if let Stage::Inside { inside, .. } = &mut self.stage
            && inside.is_away()
            && self.desk.chain.has_head()
        {
            self.desk.live = true;
            inside.caught_up(&mut self.desk, now);
        }
    }

    fn entry(&mut self, entry: &Entry, now: Time) {
        if !matches!(self.stage, Stage::Entering { .. } | Stage::Inside { .. }) || self.socket.is_opening() {
            return;
        }
        if self.desk.chain.take(entry).is_err() {
            return self.over(EndReason::LogBroken);
        }
        let content = self.desk.open(entry.class, &entry.sealed).ok();
        match &mut self.stage {
            Stage::Entering { keys, ticket, entering, .. } => {
                let entered = entering.entry(entry.class, content.as_deref(), ticket, keys, &mut self.desk);
                self.entered(entered, now);
            }
            Stage::Inside { inside, .. } => match inside.entry(entry, content.as_deref(), &mut self.desk, now) {
                Still::Inside => self.caught_up(now),
                Still::Lost => self.enter_anew(now),
                Still::Over(why) => self.over(why),
            },
            Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => {}
        }
    }

    fn entered(&mut self, entered: Entered, now: Time) {
        match entered {
            Entered::NotYet => {}
            Entered::Over(why) => self.over(why),
            Entered::Inside(group) => {
                if let Stage::Entering { keys, ticket, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
                    self.tell_token();
                    let inside = Box::new(Inside::new(group, &mut self.desk, now));
                    self.stage = Stage::Inside { keys, ticket, inside };
                }
            }
        }
    }

    fn refused(&mut self, request: u32, why: Refusal, now: Time) {
        let what = self.desk.answered(request);
        if let Refusal::Stale { last_commit } = why {
            self.desk.chain.behind(last_commit);
        }
        match &mut self.stage {
            Stage::Entering { entering, .. } => {
                let entered = entering.refused(request, why, now + LOOK_UP_AGAIN);
                self.entered(entered, now);
            }
            Stage::Inside { inside, .. } => inside.refused(request, what, why, &mut self.desk, now),
            Stage::Looking { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => {}
        }
    }

    fn closing(&mut self, reason: CloseReason, now: Time) {
        match reason {
            CloseReason::Version => self.over(EndReason::Version),
            CloseReason::NotFound | CloseReason::Expired => self.over(EndReason::NotFound),
            CloseReason::BadProof => self.over(EndReason::LinkWrong),
            CloseReason::Full => self.over(EndReason::Full),
            CloseReason::Replaced => self.over(EndReason::Replaced),
            CloseReason::Malformed => self.over(EndReason::Refused),
            CloseReason::TooMany | CloseReason::Timeout | CloseReason::Stopping => self.give_up(now),
        }
    }

    /// Does what is due.
    fn run(&mut self, now: Time) {
        match self.socket.run(now) {
            Need::Nothing => {}
            Need::Connect => {
                self.desk.screen.joining(JoinStep::Connecting);
                self.desk.put(Output::Connect);
            }
            Need::Ping => self.desk.send(&ClientMessage::Ping),
            Need::GiveUp => self.give_up(now),
        }
        match &mut self.stage {
            Stage::Looking { again, .. } => {
                if again.take_if(|at| now >= *at).is_some() {
                    self.look_up();
                }
            }
            Stage::Entering { deadline: Some(deadline), .. } if now >= *deadline => self.give_up(now),
            Stage::Entering { keys, ticket, entering, .. } if self.desk.live => {
                let entered = entering.step(ticket, keys, &mut self.desk, now);
                self.entered(entered, now);
            }
            Stage::Inside { inside, .. } => {
                inside.run(&mut self.desk, now);
                if inside.is_withheld(&self.desk, now) {
                    self.over(EndReason::LogBroken);
                }
            }
            Stage::Entering { .. } | Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => {}
        }
    }

    fn due(&mut self, now: Time) -> Option<Time> {
        let stage = match &mut self.stage {
            Stage::Looking { again, .. } => *again,
            Stage::Entering { deadline, entering, .. } => [*deadline, entering.due()].into_iter().flatten().min(),
            Stage::Inside { inside, .. } => inside.due(&self.desk, now),
            Stage::Locked { .. } | Stage::Ready { .. } | Stage::Over => None,
        };
        [stage, self.socket.due()].into_iter().flatten().min()
    }
}
