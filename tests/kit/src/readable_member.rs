//! A member that seals nothing: everything that a client sends, in the same messages, as it was before any key touched it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail, ensure};
use conclave_base::{Redacted, Secret, Seq, Source};
use conclave_mls::{Group, GroupConfig, Outgoing};
use conclave_protocol::payload::{App, Meta, PassphraseKey};
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use ed25519_dalek::SigningKey;

use crate::link_keys::NONCE;
use crate::log_connection::LogConnection;
use crate::meeting::make_with;
use crate::rogue_sender::{self, HERTZ};
use crate::{Cue, Ghost, GhostHandle, LinkKeys, random};

/// Encoded frames by track, oldest first.
pub(crate) type Frames = BTreeMap<Source, Vec<Vec<u8>>>;

/// Founds the group of a meeting of its own, and is alone in it: nobody who seals could read it.
pub struct ReadableMember {
    /// The meeting's link.
    pub link: String,
    /// As it is called in the group and at the media server.
    pub identity: String,
    connection: LogConnection,
    ghost: Ghost,
    sent: Arc<Mutex<Frames>>,
    requests: u32,
}

impl ReadableMember {
    /// What a picture of it shows, however bright: blue and red difference.
    pub const CHROMA: [u8; 2] = rogue_sender::CHROMA;
    /// What it sounds, hertz.
    pub const HERTZ: u16 = HERTZ;

    /// Makes a meeting at `server`, goes in as `name`, and sends pictures and sound from then on.
    pub fn join(server: &str, title: &str, passphrase: &str, name: &str) -> anyhow::Result<Self> {
        let mut meta = None;
        let link = make_with(server, title, Some(passphrase), |asked, link| {
            // What a client would have sealed, and in its place.
            let keys = LinkKeys::with_passphrase(server, link, passphrase)?;
            let (&code, body) = asked.sealed_meta.split_first().context("an empty record")?;
            let (key, sealed) = PassphraseKey::take(body)?;
            let plain = keys.open(&keys.meta, code, sealed)?;
            meta = Some(Meta::decode(&plain)?);
            asked.sealed_meta = [&[code], &key.encode()[..], sealed.get(..NONCE).unwrap_or_default(), &plain].concat();
            Ok(())
        })?;
        let keys = LinkKeys::with_passphrase(server, &link, passphrase)?;
        let signer = random::<32>()?;
        let (connection, admitted) = LogConnection::open(server, &keys, &SigningKey::from_bytes(&signer))?;
        let ServerMessage::Admitted { media_token, .. } = admitted else { bail!("not let in") };

        let setup = GroupConfig {
            meeting: keys.meeting,
            psk: Secret::new(keys.psk),
            policy: meta.context("nothing was sealed")?.policy,
            access: None,
            name: name.to_owned(),
            signer: Secret::new(signer),
            host: None,
            device: None,
            software: None,
            seed: Secret::new(random()?),
        };
        let (group, founding) = Group::create(setup)?;
        let identity = group.me().to_text();
        let sent = Arc::new(Mutex::new(Frames::new()));
        let ghost = Ghost::connect_with(server, Redacted::new(media_token), &identity)?;
        let mut member = Self { link, identity, connection, ghost, sent: Arc::clone(&sent), requests: 0 };
        member.append(founding)?;
        member.send_media(sent)?;
        Ok(member)
    }

    /// Writes this into the chat.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let line = App::Chat { id: 1, text: Redacted::new(text.to_owned()) };
        self.append(Outgoing { class: Class::Message, bytes: line.encode() })
    }

    /// Keeps the server from taking it for gone.
    pub fn stay(&mut self) -> anyhow::Result<()> {
        self.connection.send(&ClientMessage::Ping)
    }

    /// All frames that it has sent.
    pub fn sent(&self) -> BTreeMap<Source, Vec<Vec<u8>>> {
        lock(&self.sent).clone()
    }

    fn append(&mut self, Outgoing { class, bytes }: Outgoing) -> anyhow::Result<()> {
        self.requests += 1;
        let sealed = [random::<NONCE>()?.as_slice(), &bytes].concat();
        self.connection.send(&ClientMessage::Append { request: self.requests, class, parent_commit: Seq(0), sealed })?;
        loop {
            let answer = self.connection.receive()?;
            if matches!(answer, ServerMessage::Appended { request, .. } if request == self.requests) {
                return Ok(());
            }
            // Entries and pongs come in between.
            ensure!(!matches!(answer, ServerMessage::Refused { .. } | ServerMessage::Closing { .. }), "not appended: {answer:?}");
        }
    }

    fn send_media(&self, sent: Arc<Mutex<Frames>>) -> anyhow::Result<()> {
        let mut frames = rogue_sender::Unsealed::new()?;
        self.ghost.play(move |handle: &mut GhostHandle<'_>, cue: Cue| {
            let sending = frames.on_cue(&cue, |source, time, frame| {
                lock(&sent).entry(source).or_default().push(frame.to_vec());
                handle.send(source, time, frame);
            });
            if let Err(error) = sending {
                handle.report(&format!("failed: {error:#}"));
            }
        })
    }
}

fn lock(sent: &Mutex<Frames>) -> MutexGuard<'_, Frames> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
