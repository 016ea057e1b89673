//! A member who is hostile: it has the link, a connection of its own and no client, and appends what no client appends.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_base::{Codec, Door, MeetingId, MemberId, Permission, Redacted, Seq, Source, Time};
use conclave_media_crypto::hostile::Impersonator;
use conclave_media_crypto::{EpochKeys, SFrameContext};
use conclave_mls::{ExternalJoin, Group, GroupConfig, Outgoing, Processed, hostile};
use conclave_protocol::challenge;
use conclave_protocol::http::CreateMeeting;
use conclave_protocol::limits::PROTOCOL;
use conclave_protocol::payload::{Access, App, GroupPolicy, JoinRequest, Permitted};
use conclave_protocol::ws::{Class, ClientMessage, Entry, LogPosition, ServerMessage};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::action::Person;
use crate::dice::Dice;
use crate::forgery::Imposture;
use crate::link_keys::LinkKeys;

/// Its name on the roster.
pub(crate) const NAME: &str = "zq-mark Mallory";
/// So its lines begin.
pub(crate) const SAID: &str = "zq-mark said by Mallory ";
/// It says that it is there as often as members do.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What is appended that is not what its class says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Junk {
    /// Sealed as a commit.
    Commit,
    /// Sealed as a proposal.
    Proposal,
    /// Sealed as a snapshot.
    Snapshot,
    /// Sealed as a message.
    Message,
    /// Not sealed at all, and called a commit.
    Unsealed,
}

/// Everything that a hostile member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misdeed {
    /// Comes in as everybody does who has the link, and is content with whatever it is told.
    Enter,
    /// Comes in without the PSK.
    EnterWithoutPsk,
    /// Appends bytes that mean nothing.
    Append(Junk),
    /// Appends a snapshot of a group of its own, whose session is another one.
    ForeignSnapshot,
    /// Removes somebody who is there, without being a host.
    Remove(Person),
    /// Takes the name of another.
    Rename(Person),
    /// Seals a frame with the newest keys that it has, member or not.
    Seal,
    /// While it is a member, seals sound with the keys of another, which the media server gives as the other's.
    Impersonate(Person, Imposture),
    /// Asks to be let in.
    Knock,
    /// Comes in as [`Self::Enter`], whatever the door, a bar and the limit say.
    Force,
    /// Goes, and is from then on somebody else.
    NewKey,
    /// While it is a member, speaks, whatever hosts let it.
    Speak(Speech),
    /// While it is a member, writes, whatever hosts let it.
    Say,
    /// Orders, without being a host, that everybody may do everything.
    Order,
    /// Orders again what a host ordered once.
    OldOrder,
}

/// How a changed client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    /// With the keys of the epoch before the newest, which open for a while.
    pub late: bool,
    /// In frames that say that the microphone is off.
    pub off: bool,
}

pub(crate) struct Mallory {
    keys: LinkKeys,
    meeting: MeetingId,
    config: GroupConfig,
    dice: Dice,
    joiner: Option<ExternalJoin>,
    /// Its group, once the commit with this content is in the log.
    entering: Option<(Vec<u8>, Group)>,
    group: Option<Group>,
    frames: SFrameContext,
    /// Of the epoch in which it stands.
    epoch_keys: Option<EpochKeys>,
    /// And of that before.
    keys_before: Option<EpochKeys>,
    /// What hosts ordered, as it read it.
    orders: Vec<GroupPolicy>,
    /// Frames that it sealed against the policy, and lines that it wrote.
    spoken: u64,
    read: LogPosition,
    last_commit: Seq,
    said: u32,
    next_heartbeat: Time,
}

/// What became of it by what it read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Became {
    /// It stands in a new epoch.
    InEpoch(EpochKeys),
    /// It is out.
    Out,
}

impl Mallory {
    pub(crate) fn new(link: &str, made: &CreateMeeting, seed: u64) -> Self {
        let keys = LinkKeys::of(link, made.meeting);
        let mut dice = Dice::new(seed, "mallory", 0);
        let config = GroupConfig {
            meeting: made.meeting,
            psk: keys.psk.clone(),
            policy: keys.policy(made),
            access: None,
            name: NAME.to_owned(),
            signer: dice.secret(),
            host: None,
            device: None,
            software: None,
            seed: dice.secret(),
        };
        Self {
            meeting: made.meeting,
            keys,
            config,
            dice,
            joiner: None,
            entering: None,
            group: None,
            frames: SFrameContext::new(),
            epoch_keys: None,
            keys_before: None,
            orders: Vec::new(),
            spoken: 0,
            read: LogPosition { seq: Seq(0), chain_hash: [0; 32] },
            last_commit: Seq(0),
            said: 0,
            next_heartbeat: Time::ZERO,
        }
    }

    pub(crate) fn identity(&self) -> MemberId {
        MemberId::of_key(&self.leaf_key().verifying_key().to_bytes())
    }

    fn leaf_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.config.signer.expose())
    }

    /// What it says first on its connection.
    pub(crate) fn hello(&mut self) -> ClientMessage {
        (self.joiner, self.entering, self.group) = (None, None, None);
        (self.epoch_keys, self.keys_before) = (None, None);
        ClientMessage::Hello { version: PROTOCOL, meeting: self.meeting, after: None }
    }

    pub(crate) fn on_message(&mut self, message: ServerMessage, now: Time) -> (Vec<ClientMessage>, Option<Became>) {
        match message {
            ServerMessage::Challenge { nonce } => {
                let leaf = self.leaf_key();
                let prove = ClientMessage::Prove {
                    admission: self.keys.admission.sign(&challenge::admission(&self.meeting, &nonce)).to_bytes(),
                    identity_key: leaf.verifying_key().to_bytes(),
                    identity: leaf.sign(&challenge::identity(&self.meeting, &nonce)).to_bytes(),
                };
                (vec![prove], None)
            }
            ServerMessage::Admitted { last_commit, .. } => {
                self.last_commit = last_commit;
                (Vec::new(), None)
            }
            ServerMessage::Entry(entry) => (Vec::new(), self.on_entry(&entry, now)),
            ServerMessage::Refused { .. } => {
                self.entering = None;
                (Vec::new(), None)
            }
            ServerMessage::Appended { .. }
            | ServerMessage::MediaDisconnected { .. }
            | ServerMessage::Token { .. }
            | ServerMessage::Pong
            | ServerMessage::Closing { .. } => (Vec::new(), None),
        }
    }

    fn on_entry(&mut self, entry: &Entry, now: Time) -> Option<Became> {
        self.read = LogPosition { seq: entry.seq, chain_hash: entry.chain_hash };
        if entry.class == Class::Commit {
            self.last_commit = self.last_commit.max(entry.seq);
        }
        let content = self.keys.open(entry.class, &entry.sealed)?;
        if let Some((_, mut group)) = self.entering.take_if(|(own, _)| *own == content) {
            group.process(entry.class, &content, &BTreeSet::new()).ok()?;
            self.next_heartbeat = now;
            self.group = Some(group);
            return self.epoch(now);
        }
        if let Some(group) = &mut self.group {
            // Whatever it is told of who is absent, it does not mind.
            let anybody = group.members().iter().map(|m| m.identity).collect();
            let processed = group.process(entry.class, &content, &anybody).ok()?;
            return match processed {
                Processed::Commit(change) if change.out => {
                    (self.group, self.epoch_keys) = (None, None);
                    Some(Became::Out)
                }
                Processed::Commit(_) => self.epoch(now),
                Processed::App { .. }
                | Processed::Own { .. }
                | Processed::Leaving(_)
                | Processed::Snapshot
                | Processed::SnapshotUseless { .. }
                | Processed::Unreadable => None,
            };
        }
        match &mut self.joiner {
            Some(joiner) => _ = joiner.apply(entry.class, &content),
            None if matches!(entry.class, Class::Commit | Class::Snapshot) => {
                let config = GroupConfig { seed: self.dice.secret(), ..self.config.clone() };
                self.joiner = ExternalJoin::new(config, &content).ok();
            }
            None => {}
        }
        None
    }

    /// From now on it has another key.
    pub(crate) fn change_key(&mut self) {
        self.config.signer = self.dice.secret();
    }

    fn epoch(&mut self, now: Time) -> Option<Became> {
        let group = self.group.as_ref()?;
        let policy = hostile::policy(group);
        if self.orders.last() != Some(&policy) {
            self.orders.push(policy);
        }
        let keys = EpochKeys {
            epoch: group.epoch(),
            base_key: group.media_base_key()?,
            session: group.session()?,
            members: group.members().iter().map(|m| (m.leaf, m.key)).collect(),
            silenced: [].into(),
            me: group.leaf(),
            signer: group.signature_key(),
        };
        // Of a session that began anew, epochs begin anew too.
        if self.frames.newest() >= Some(keys.epoch) {
            self.frames.clear();
        }
        let _as_members_do = self.frames.add_epoch(keys.clone(), now);
        let _as_members_do = self.frames.seal_with(keys.epoch);
        self.keys_before = self.epoch_keys.replace(keys.clone());
        Some(Became::InEpoch(keys))
    }

    /// Says that it is there, if it is time.
    pub(crate) fn on_tick(&mut self, now: Time) -> Option<ClientMessage> {
        if now < self.next_heartbeat {
            return None;
        }
        let group = self.group.as_mut()?;
        self.next_heartbeat = now + HEARTBEAT;
        let (authenticator, roster) = (group.authenticator8(), group.roster8());
        let (seq, chain_hash) = (self.read.seq, self.read.chain_hash8());
        let app = App::Heartbeat { epoch: group.epoch().0, authenticator, roster, seq, chain_hash, mic: true };
        let outgoing = group.application(&app).ok()?;
        Some(self.append(outgoing))
    }

    fn append(&mut self, Outgoing { class, bytes }: Outgoing) -> ClientMessage {
        let sealed = self.keys.seal(class, &bytes, &mut self.dice);
        self.append_sealed(class, sealed)
    }

    fn append_sealed(&mut self, class: Class, sealed: Vec<u8>) -> ClientMessage {
        self.said += 1;
        ClientMessage::Append { request: self.said, class, parent_commit: self.last_commit, sealed }
    }

    /// Does it, if it can; gives what it says for that. `victim`: whom the misdeed names.
    pub(crate) fn misdeed(&mut self, misdeed: Misdeed, victim: Option<(MemberId, &str)>) -> Option<ClientMessage> {
        let is_member = |group: &&mut Group| victim.is_some_and(|(who, _)| group.members().iter().any(|m| m.identity == who));
        let outgoing = match misdeed {
            Misdeed::Enter => {
                let (group, outgoing) = self.joiner.as_ref().filter(|_| self.group.is_none())?.join().ok()?;
                self.entering = Some((outgoing.bytes.clone(), group));
                outgoing
            }
            Misdeed::EnterWithoutPsk => hostile::join_without_psk(self.joiner.as_ref().filter(|_| self.group.is_none())?),
            Misdeed::Append(junk) => {
                let junk_bytes = self.dice.secret().expose().to_vec();
                let class = match junk {
                    Junk::Commit => Class::Commit,
                    Junk::Proposal => Class::Proposal,
                    Junk::Snapshot => Class::Snapshot,
                    Junk::Message => Class::Message,
                    Junk::Unsealed => return Some(self.append_sealed(Class::Commit, junk_bytes)),
                };
                Outgoing { class, bytes: junk_bytes }
            }
            Misdeed::ForeignSnapshot => {
                let config = GroupConfig { seed: self.dice.secret(), ..self.config.clone() };
                let (_, founding) = Group::create(config).ok()?;
                // What founds a group and a snapshot of it look alike.
                Outgoing { class: Class::Snapshot, ..founding }
            }
            Misdeed::Remove(_) => hostile::remove(self.group.as_mut().filter(is_member)?, &victim?.0),
            // The others take it, and its own group cannot follow.
            Misdeed::Rename(_) => hostile::rename(&mut self.group.take()?, victim?.1),
            Misdeed::Knock => Outgoing { class: Class::JoinRequest, bytes: self.knock()? },
            Misdeed::Force => hostile::join_unasked(self.joiner.as_ref().filter(|_| self.group.is_none())?),
            Misdeed::Say => {
                self.spoken += 1;
                let text = Redacted::new(format!("{SAID}{}", self.spoken));
                self.group.as_mut()?.application(&App::Chat { id: self.spoken, text }).ok()?
            }
            Misdeed::Order => {
                let group = self.group.as_mut()?;
                let mut policy = hostile::policy(group);
                let Access { order, door, barred, floor, .. } = &mut policy.access;
                (*order, *door) = (*order + 1, Door::Open);
                barred.clear();
                for what in Permission::ALL {
                    *floor.of_mut(what) = Permitted { everybody: true, except: Vec::new() };
                }
                hostile::change_policy(group, &policy)
            }
            Misdeed::OldOrder => {
                let old = self.orders.iter().rev().find(|policy| policy.order.is_some() && Some(*policy) != self.orders.last())?;
                hostile::change_policy(self.group.as_mut()?, old)
            }
            Misdeed::Seal | Misdeed::Impersonate(..) | Misdeed::NewKey | Misdeed::Speak(_) => return None,
        };
        Some(self.append(outgoing))
    }

    /// Seals a piece of sound with the newest keys that it has.
    pub(crate) fn seal(&mut self, sound: &[u8], now: Time) -> Option<Vec<u8>> {
        self.frames.seal(Source::Microphone, Codec::Opus, sound, now).ok()
    }

    /// Asks as a client asks that waits at the door (docs/protocol.md).
    fn knock(&self) -> Option<Vec<u8>> {
        let leaf = self.leaf_key();
        let session = self.joiner.as_ref()?.session();
        let claim = [b"conclave/1 knock".as_slice(), self.meeting.as_bytes(), session.as_bytes(), NAME.as_bytes()].concat();
        let (leaf_key, signature) = (leaf.verifying_key().to_bytes(), leaf.sign(&claim).to_bytes());
        Some(JoinRequest::Knock { name: Redacted::new(NAME.to_owned()), leaf_key, signature, seen: None }.encode())
    }

    /// Seals a piece of sound as itself, and asks no policy.
    pub(crate) fn speak(&mut self, sound: &[u8], how: Speech) -> Option<Vec<u8>> {
        let keys = if how.late { &self.keys_before } else { &self.epoch_keys };
        let mut program = Impersonator::new(keys.clone()?).ok()?;
        self.spoken += 1;
        let seal = if how.off { Impersonator::pretend_off } else { Impersonator::seal };
        seal(&mut program, Source::Microphone, Codec::Opus, sound, self.spoken).ok()
    }

    /// Seals a piece of sound with the keys of another, whose leaf's signature key it has not: what is attested, it signs by its own.
    pub(crate) fn impersonate(&self, victim: MemberId, sound: &[u8], attested: &[Vec<u8>], counter: u64) -> Option<Vec<u8>> {
        let keys = self.epoch_keys.as_ref()?;
        let me = keys.members.iter().find(|(_, key)| MemberId::of_key(key) == victim)?.0;
        let mut impersonator = Impersonator::new(EpochKeys { me, ..keys.clone() }).ok()?;
        impersonator.attest(Source::Microphone, Codec::Opus, sound, attested, counter).ok()
    }
}
