//! Somebody with half of the link's secrets: lets itself in and reads and writes the log, but lacks the PSK.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use conclave_base::{Secret, Seq};
use conclave_media_crypto::{EpochKeys, SFrameContext};
use conclave_mls::{ExternalJoin, Group, GroupConfig, Outgoing};
use conclave_protocol::http::{LookupMeeting, MeetingInfo};
use conclave_protocol::payload::Meta;
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use ed25519_dalek::SigningKey;

use crate::clock::now;
use crate::log_connection::LogConnection;
use crate::{LinkKeys, random};

/// The record that the server keeps begins with this byte when no passphrase stands beside the link.
const LINK_ONLY: u8 = 0x80;

/// What a member of `group` opens frames with, in its epoch.
pub fn media_keys(group: &Group) -> anyhow::Result<SFrameContext> {
    let mut keys = SFrameContext::new();
    keys.add_epoch(
        EpochKeys {
            epoch: group.epoch(),
            base_key: group.media_base_key().context("a member has the keys")?,
            session: group.session().context("its group is of a session")?,
            members: group.members().iter().map(|m| (m.leaf, m.key)).collect(),
            me: group.leaf(),
            signer: group.signature_key(),
        },
        now(),
    )?;
    Ok(keys)
}

/// A connection to the log.
pub struct Outsider {
    keys: LinkKeys,
    connection: LogConnection,
    joiner: Option<ExternalJoin>,
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
        let keys = LinkKeys::of(link, None)?;
        let signer = random::<32>()?;

        let body = serde_json::to_vec(&LookupMeeting { meeting: keys.meeting })?;
        let mut answer = ureq::post(format!("{server}/api/meetings/lookup")).header("Content-Type", "application/json").send(&body[..])?;
        let info: MeetingInfo = serde_json::from_slice(&answer.body_mut().read_to_vec()?)?;
        let (code, sealed) = info.sealed_meta.split_first().context("an empty record")?;
        ensure!(*code == LINK_ONLY, "made for meetings without a passphrase");
        let meta = Meta::decode(&keys.open(&keys.meta, *code, sealed)?)?;

        let psk = if psk { keys.psk } else { [0; 32] };
        let setup = GroupConfig {
            meeting: keys.meeting,
            psk: Secret::new(psk),
            policy: meta.policy,
            name: name.to_owned(),
            signer: Secret::new(signer),
            host: None,
            seed: Secret::new(random()?),
        };
        let (connection, admitted) = LogConnection::open(server, &keys, &SigningKey::from_bytes(&signer))?;
        let ServerMessage::Admitted { last_commit, .. } = admitted else { bail!("not let in") };
        let mut outsider = Self { keys, connection, joiner: None, last_commit, seen: Seq(0), setup: Some(setup), psk };
        while outsider.seen < last_commit {
            outsider.step()?;
        }
        Ok(outsider)
    }

    /// Appends what `make` makes of the state that was reached.
    pub fn append(&mut self, mut make: impl FnMut(&ExternalJoin) -> anyhow::Result<Outgoing>) -> anyhow::Result<Seq> {
        for request in 1.. {
            let joiner = self.joiner.as_ref().context("the log held no group")?;
            let Outgoing { class, bytes } = make(joiner)?;
            let sealed = self.keys.seal(&self.keys.envelope, class.code(), &bytes)?;
            self.connection.send(&ClientMessage::Append { request, class, parent_commit: self.last_commit, sealed })?;
            loop {
                let answer = self.step()?;
                if let Some(ServerMessage::Appended { request: r, seq }) = answer
                    && r == request
                {
                    self.last_commit = if class == Class::Commit { seq } else { self.last_commit };
                    return Ok(seq);
                }
                // Somebody was faster: what was missing has been read, or is on its way.
                if matches!(answer, Some(ServerMessage::Refused { request: r, .. }) if r == request) {
                    break;
                }
            }
        }
        bail!("never taken")
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
        let content = self.keys.open(&self.keys.envelope, entry.class.code(), &entry.sealed)?;
        if let Some(joiner) = &mut self.joiner {
            // An entry that breaks a rule is ignored, as members do.
            let _ignored = joiner.apply(entry.class, &content);
        } else if matches!(entry.class, Class::Commit | Class::Snapshot) {
            let setup = self.setup.take().context("the group's state was of no use")?;
            self.joiner = Some(ExternalJoin::new(setup, &content)?);
        }
        Ok(None)
    }
}
