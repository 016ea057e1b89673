//! Somebody with half of the link's secrets: lets itself in and reads and writes the log, but lacks the PSK.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use conclave_base::{Secret, Seq};
use conclave_media_crypto::{EpochKeys, SFrameContext};
use conclave_mls::{ExternalJoin, Group, GroupConfig, Outgoing, hostile};
use conclave_protocol::http::{LookupMeeting, MeetingInfo};
use conclave_protocol::payload::{App, Meta};
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use ed25519_dalek::SigningKey;

use crate::clock::now;
use crate::log_connection::LogConnection;
use crate::{LinkKeys, random};

/// The record that the server keeps begins with this byte when no passphrase stands beside the link.
const LINK_ONLY: u8 = 0x80;

/// The media keys of `group` in its epoch, as somebody has them who keeps to no policy.
pub fn epoch_keys(group: &Group) -> anyhow::Result<EpochKeys> {
    Ok(EpochKeys {
        epoch: group.epoch(),
        base_key: group.media_base_key().context("a member has the keys")?,
        session: group.session().context("its group is of a session")?,
        members: group.members().iter().map(|m| (m.leaf, m.key)).collect(),
        silenced: [].into(),
        me: group.leaf(),
        signer: group.signature_key(),
    })
}

/// What a member of `group` opens frames with, in its epoch.
pub fn media_keys(group: &Group) -> anyhow::Result<SFrameContext> {
    let mut keys = SFrameContext::new();
    keys.add_epoch(epoch_keys(group)?, now())?;
    Ok(keys)
}

/// A connection to the log.
pub struct Outsider {
    keys: LinkKeys,
    connection: LogConnection,
    joiner: Option<ExternalJoin>,
    /// Once it is a member.
    member: Option<Group>,
    requests: u32,
    last_commit: Seq,
    seen: Seq,
    /// What it would bring into the group.
    setup: Option<GroupConfig>,
    psk: [u8; 32],
}

impl Outsider {
    /// Connects to the meeting of `link` at `server` and reads its log up to now. With `psk` it is no outsider but an honest newcomer,
    /// which shows that all else here is done right.
    pub fn connect(server: &str, link: &str, name: &str, psk: bool) -> anyhow::Result<Self> {
        Self::connect_as(server, link, name, |setup| {
            if !psk {
                setup.psk = Secret::new([0; 32]);
            }
        })
    }

    /// As [`Self::connect`], with whatever `change` does to what it brings.
    pub fn connect_as(server: &str, link: &str, name: &str, change: impl FnOnce(&mut GroupConfig)) -> anyhow::Result<Self> {
        let keys = LinkKeys::of(link)?;

        let body = serde_json::to_vec(&LookupMeeting { meeting: keys.meeting })?;
        let mut answer = ureq::post(format!("{server}/api/meetings/lookup")).header("Content-Type", "application/json").send(&body[..])?;
        let info: MeetingInfo = serde_json::from_slice(&answer.body_mut().read_to_vec()?)?;
        let (code, sealed) = info.sealed_meta.split_first().context("an empty record")?;
        ensure!(*code == LINK_ONLY, "made for meetings without a passphrase");
        let meta = Meta::decode(&keys.open(&keys.meta, *code, sealed)?)?;

        let mut setup = GroupConfig {
            meeting: keys.meeting,
            psk: Secret::new(keys.psk),
            policy: meta.policy,
            access: None,
            name: name.to_owned(),
            signer: Secret::new(random()?),
            host: None,
            device: None,
            software: None,
            seed: Secret::new(random()?),
        };
        change(&mut setup);
        let psk = *setup.psk.expose();
        let (connection, admitted) = LogConnection::open(server, &keys, &SigningKey::from_bytes(setup.signer.expose()))?;
        let ServerMessage::Admitted { last_commit, .. } = admitted else { bail!("not let in") };
        let mut outsider =
            Self { keys, connection, joiner: None, member: None, requests: 0, last_commit, seen: Seq(0), setup: Some(setup), psk };
        while outsider.seen < last_commit {
            outsider.step()?;
        }
        Ok(outsider)
    }

    /// Appends what `make` makes of the state that was reached.
    pub fn append(&mut self, mut make: impl FnMut(&ExternalJoin) -> anyhow::Result<Outgoing>) -> anyhow::Result<Seq> {
        loop {
            let outgoing = make(self.joiner.as_ref().context("the log held no group")?)?;
            if let Some(seq) = self.push(outgoing)? {
                return Ok(seq);
            }
        }
    }

    /// Appends what `make` makes of its place in the group, once it has entered by [`Self::become_member`].
    pub fn append_as_member(&mut self, mut make: impl FnMut(&mut Group) -> anyhow::Result<Outgoing>) -> anyhow::Result<Seq> {
        loop {
            // What was said before the answer has been read then.
            self.connection.send(&ClientMessage::Ping)?;
            while self.step()? != Some(ServerMessage::Pong) {}
            let outgoing = make(self.member.as_mut().context("it is no member")?)?;
            if let Some(seq) = self.push(outgoing)? {
                return Ok(seq);
            }
        }
    }

    /// Appends this as it is, in a place where `None` says that somebody was faster.
    fn push(&mut self, Outgoing { class, bytes }: Outgoing) -> anyhow::Result<Option<Seq>> {
        self.requests += 1;
        let request = self.requests;
        let sealed = self.keys.seal(&self.keys.envelope, class.code(), &bytes)?;
        self.connection.send(&ClientMessage::Append { request, class, parent_commit: self.last_commit, sealed })?;
        loop {
            let answer = self.step()?;
            if let Some(ServerMessage::Appended { request: r, seq }) = answer
                && r == request
            {
                self.last_commit = if class == Class::Commit { seq } else { self.last_commit };
                return Ok(Some(seq));
            }
            // What was missing has been read, or is on its way.
            if matches!(answer, Some(ServerMessage::Refused { request: r, .. }) if r == request) {
                return Ok(None);
            }
        }
    }

    /// As a member, says all this without waiting for answers, and then waits for all of them. Gives how many the server took.
    pub fn say_at_once(&mut self, all: &[App]) -> anyhow::Result<usize> {
        for app in all {
            let Outgoing { class, bytes } = self.member.as_mut().context("it is no member")?.application(app)?;
            let sealed = self.keys.seal(&self.keys.envelope, class.code(), &bytes)?;
            self.requests += 1;
            self.connection.send(&ClientMessage::Append { request: self.requests, class, parent_commit: self.last_commit, sealed })?;
        }
        let (mut answers, mut taken) = (0, 0);
        while answers < all.len() {
            match self.step()? {
                Some(ServerMessage::Appended { .. }) => (answers, taken) = (answers + 1, taken + 1),
                Some(ServerMessage::Refused { .. }) => answers += 1,
                Some(ServerMessage::Closing { reason }) => bail!("put out: {reason:?}"),
                Some(_) | None => {}
            }
        }
        Ok(taken)
    }

    /// Founds the group, in a meeting where nobody was yet.
    pub fn found(&mut self) -> anyhow::Result<()> {
        let (_, founding) = Group::create(self.setup.take().context("somebody was there")?)?;
        self.push(founding)?.context("somebody was faster")?;
        Ok(())
    }

    /// Enters the group and follows it.
    pub fn become_member(&mut self) -> anyhow::Result<()> {
        self.member = Some(self.enter()?);
        Ok(())
    }

    /// Enters the group as its members do; with a wrong PSK they ignore it.
    pub fn enter(&mut self) -> anyhow::Result<Group> {
        let mut made = None;
        self.append(|joiner| {
            let (group, Outgoing { class, bytes }) = joiner.join()?;
            made = Some((group, bytes.clone()));
            Ok(Outgoing { class, bytes })
        })?;
        let (mut group, bytes) = made.context("nothing was appended")?;
        group.process(Class::Commit, &bytes, &BTreeSet::new())?;
        Ok(group)
    }

    /// Says that it is there, as clients do each second.
    pub fn ping(&mut self) -> anyhow::Result<()> {
        self.connection.send(&ClientMessage::Ping)
    }

    /// Says that it leaves, and is gone.
    pub fn leave(mut self) -> anyhow::Result<()> {
        self.connection.send(&ClientMessage::Leave)
    }

    /// Only listens from now on, until the server is gone: else that would take it for gone.
    pub fn stay(mut self) {
        std::thread::spawn(move || while self.connection.receive().is_ok() {});
    }

    /// Who follows the group, from outside.
    pub fn joiner(&self) -> anyhow::Result<&ExternalJoin> {
        self.joiner.as_ref().context("the log held no group")
    }

    /// The key that it has in the PSK's place.
    pub fn has_psk(&self) -> bool {
        self.psk != [0; 32]
    }

    /// Reads one message; gives what is not an entry.
    fn step(&mut self) -> anyhow::Result<Option<ServerMessage>> {
        let message = self.connection.receive()?;
        let ServerMessage::Entry(entry) = message else { return Ok(Some(message)) };
        self.seen = entry.seq;
        if entry.class == Class::Commit {
            self.last_commit = self.last_commit.max(entry.seq);
        }
        if entry.class == Class::Gone {
            return Ok(None);
        }
        let content = self.keys.open(&self.keys.envelope, entry.class.code(), &entry.sealed)?;
        if let Some(member) = &mut self.member {
            // Its own words too: it has what it made.
            let _ignored = member.process(entry.class, &content, &BTreeSet::new());
        }
        if let Some(joiner) = &mut self.joiner {
            // An entry that breaks a rule is ignored, as members do.
            let _ignored = hostile::follow(joiner, &Secret::new(self.keys.psk), entry.class, &content);
        } else if matches!(entry.class, Class::Commit | Class::Snapshot) && self.setup.is_some() {
            let setup = self.setup.take().context("the group's state was of no use")?;
            self.joiner = Some(ExternalJoin::new(setup, &content)?);
        }
        Ok(None)
    }
}
