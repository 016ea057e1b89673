//! Somebody with half of the link's secrets: lets itself in and reads and writes the log, but lacks the PSK.
//!
//! The keys are derived here once more, from docs/protocol.md and not with the client's code: so the test is an exam of both.

use std::collections::BTreeSet;
use std::net::TcpStream;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use anyhow::{Context as _, bail, ensure};
use conclave_base::{MeetingId, Secret, Seq};
use conclave_mls::{Group, Joiner, Outgoing, Setup};
use conclave_protocol::http::{LookupMeeting, MeetingInfo};
use conclave_protocol::payload::Meta;
use conclave_protocol::ws::{Class, ClientMessage, ServerMessage};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{self, Bytes, Message, WebSocket};

/// The record that the server keeps begins with this byte when no passphrase stands beside the link.
const LINK_ONLY: u8 = 0x80;

/// A connection to the log.
pub struct Outsider {
    meeting: MeetingId,
    envelope: [u8; 32],
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    joiner: Option<Joiner>,
    last_commit: Seq,
    seen: Seq,
    /// What it would bring into the group.
    setup: Option<Setup>,
    psk: [u8; 32],
}

/// HKDF-Extract (RFC 5869) with the salt of docs/protocol.md.
pub fn extract(input: &[u8]) -> Hkdf<Sha256> {
    Hkdf::new(Some(b"conclave/1".as_slice()), input)
}

/// HKDF-Expand (RFC 5869) of what one label names.
pub fn expand<const N: usize>(key: &Hkdf<Sha256>, label: &str) -> anyhow::Result<[u8; N]> {
    let mut out = [0; N];
    key.expand(label.as_bytes(), &mut out).map_err(|_| anyhow::anyhow!("too long for HKDF"))?;
    Ok(out)
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(bytes)
}

fn aad(meeting: &MeetingId, code: u8) -> Vec<u8> {
    [meeting.as_bytes().as_slice(), &[code]].concat()
}

fn open(key: &[u8; 32], meeting: &MeetingId, code: u8, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(12).context("shorter than a nonce")?;
    let payload = Payload { msg: body, aad: &aad(meeting, code) };
    Aes256Gcm::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| anyhow::anyhow!("an envelope does not open"))
}

impl Outsider {
    /// Connects to the meeting of `link` at `server` and reads its log up to now. With `psk` it is no outsider but an honest newcomer,
    /// which shows that all else here is done right.
    pub fn connect(server: &str, link: &str, name: &str, psk: bool) -> anyhow::Result<Self> {
        let (_, fragment) = link.split_once('#').context("a link has a fragment")?;
        let t = base64_of(fragment)?;
        let root = extract(&t[16..]);
        let meeting = MeetingId::from_bytes(expand(&extract(&t), "meeting id")?);
        let admission = SigningKey::from_bytes(&expand(&root, "admission")?);
        let signer = random::<32>()?;
        let leaf_key = SigningKey::from_bytes(&signer);

        let body = serde_json::to_vec(&LookupMeeting { meeting })?;
        let mut answer = ureq::post(format!("{server}/api/meetings/lookup")).header("Content-Type", "application/json").send(&body[..])?;
        let info: MeetingInfo = serde_json::from_slice(&answer.body_mut().read_to_vec()?)?;
        let (code, sealed) = info.sealed_meta.split_first().context("an empty record")?;
        ensure!(*code == LINK_ONLY, "made for meetings without a passphrase");
        let meta = Meta::decode(&open(&expand(&root, "meta")?, &meeting, *code, sealed)?)?;

        let psk = if psk { expand(&root, "psk")? } else { [0; 32] };
        let setup = Setup {
            meeting,
            psk: Secret::new(psk),
            policy: meta.policy,
            name: name.to_owned(),
            signer: Secret::new(signer),
            host: None,
            seed: Secret::new(random()?),
        };
        let (socket, _) = tungstenite::connect(format!("ws{}/api/live", server.trim_start_matches("http")))?;
        let envelope = expand(&root, "envelope")?;
        let mut outsider = Self { meeting, envelope, socket, joiner: None, last_commit: Seq(0), seen: Seq(0), setup: Some(setup), psk };

        outsider.send(&ClientMessage::Hello { version: conclave_protocol::limits::PROTOCOL, meeting, after: None })?;
        let ServerMessage::Challenge { nonce } = outsider.receive()? else { bail!("no challenge") };
        outsider.send(&ClientMessage::Prove {
            admission: admission.sign(&conclave_protocol::challenge::admission(&meeting, &nonce)).to_bytes(),
            identity_key: leaf_key.verifying_key().to_bytes(),
            identity: leaf_key.sign(&conclave_protocol::challenge::identity(&meeting, &nonce)).to_bytes(),
        })?;
        let ServerMessage::Admitted { last_commit, .. } = outsider.receive()? else { bail!("not let in") };
        outsider.last_commit = last_commit;
        while outsider.seen < last_commit {
            outsider.step()?;
        }
        Ok(outsider)
    }

    /// Appends what `make` makes of the state that was reached.
    pub fn append(&mut self, mut make: impl FnMut(&Joiner) -> anyhow::Result<Outgoing>) -> anyhow::Result<Seq> {
        for request in 1.. {
            let joiner = self.joiner.as_ref().context("the log held no group")?;
            let Outgoing { class, bytes } = make(joiner)?;
            let sealed = self.seal(class, &bytes)?;
            self.send(&ClientMessage::Append { request, class, parent_commit: self.last_commit, sealed })?;
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
        group.handle(Class::Commit, &bytes, &BTreeSet::new())?;
        Ok(group)
    }

    /// The key that it has in the PSK's place.
    pub fn has_psk(&self) -> bool {
        self.psk != [0; 32]
    }

    /// Reads one message; gives what is not an entry.
    fn step(&mut self) -> anyhow::Result<Option<ServerMessage>> {
        let message = self.receive()?;
        let ServerMessage::Entry(entry) = message else { return Ok(Some(message)) };
        self.seen = entry.seq;
        if entry.class == Class::Commit {
            self.last_commit = self.last_commit.max(entry.seq);
        }
        let content = open(&self.envelope, &self.meeting, entry.class.code(), &entry.sealed)?;
        if let Some(joiner) = &mut self.joiner {
            // An entry that breaks a rule is ignored, as members do.
            let _ignored = joiner.apply(entry.class, &content);
        } else if matches!(entry.class, Class::Commit | Class::Snapshot) {
            let setup = self.setup.take().context("the group's state was of no use")?;
            self.joiner = Some(Joiner::new(setup, &content)?);
        }
        Ok(None)
    }

    fn seal(&self, class: Class, content: &[u8]) -> anyhow::Result<Vec<u8>> {
        let nonce = random::<12>()?;
        let payload = Payload { msg: content, aad: &aad(&self.meeting, class.code()) };
        let sealed = Aes256Gcm::new((&self.envelope).into()).encrypt(Nonce::from_slice(&nonce), payload);
        Ok([nonce.as_slice(), &sealed.map_err(|_| anyhow::anyhow!("not sealed"))?].concat())
    }

    fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::Binary(Bytes::from(message.encode())))?)
    }

    fn receive(&mut self) -> anyhow::Result<ServerMessage> {
        loop {
            if let Message::Binary(bytes) = self.socket.read()? {
                return Ok(ServerMessage::decode(&bytes)?);
            }
        }
    }
}

/// The link's 32 bytes.
fn base64_of(fragment: &str) -> anyhow::Result<[u8; 32]> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(fragment)?;
    bytes.try_into().ok().context("a link holds 32 bytes")
}
