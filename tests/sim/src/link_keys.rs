//! The keys behind a link, derived from docs/protocol.md, and the meeting's record opened with them: for whoever has the link and no client.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::{MeetingId, Secret};
use conclave_protocol::http::CreateMeeting;
use conclave_protocol::payload::{Meta, Policy};
use conclave_protocol::ws::Class;
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::dice::Dice;

const NONCE: usize = 12;

pub(crate) struct LinkKeys {
    meeting: MeetingId,
    /// The server lets in whoever signs with it.
    pub(crate) admission: SigningKey,
    pub(crate) psk: Secret<32>,
    envelope: [u8; 32],
    meta: [u8; 32],
}

impl LinkKeys {
    pub(crate) fn of(link: &str, meeting: MeetingId) -> Self {
        let (_, fragment) = link.split_once('#').expect("a link has a fragment");
        let bytes = URL_SAFE_NO_PAD.decode(fragment).expect("it is base64url");
        let root: Hkdf<Sha256> = Hkdf::new(Some(b"conclave/1".as_slice()), &bytes[16..]);
        let expand = |label: &str| {
            let mut out = [0; 32];
            root.expand(label.as_bytes(), &mut out).expect("32 bytes are not too long");
            out
        };
        Self {
            meeting,
            admission: SigningKey::from_bytes(&expand("admission")),
            psk: Secret::new(expand("psk")),
            envelope: expand("envelope"),
            meta: expand("meta"),
        }
    }

    /// Seals an entry.
    pub(crate) fn seal(&self, class: Class, content: &[u8], dice: &mut Dice) -> Vec<u8> {
        self.seal_with(&self.envelope, class.code(), content, dice)
    }

    /// Opens an entry.
    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_with(&self.envelope, class.code(), sealed)
    }

    pub(crate) fn policy(&self, made: &CreateMeeting) -> Policy {
        let (code, body) = made.sealed_meta.split_first().expect("the record is not empty");
        let plain = self.open_with(&self.meta, *code, body).expect("it is sealed with this link");
        Meta::decode(&plain).expect("the client made it").policy
    }

    /// The same meeting under another policy, signed by its host.
    pub(crate) fn with_policy(&self, made: &mut CreateMeeting, host: &Secret<32>, dice: &mut Dice, change: impl FnOnce(&mut Policy)) {
        let (code, body) = made.sealed_meta.split_first().expect("the record is not empty");
        let plain = self.open_with(&self.meta, *code, body).expect("it is sealed with this link");
        let mut meta = Meta::decode(&plain).expect("the client made it");
        change(&mut meta.policy);
        let content = postcard::to_stdvec(&(&meta.title, &meta.policy)).expect("these types have no failing serializer");
        let claim = [b"conclave/1 meta".as_slice(), self.meeting.as_bytes(), &content].concat();
        meta.signature = SigningKey::from_bytes(host.expose()).sign(&claim).to_bytes();
        let sealed = self.seal_with(&self.meta, *code, &meta.encode(), dice);
        made.sealed_meta = [&[*code], sealed.as_slice()].concat();
    }

    fn seal_with(&self, key: &[u8; 32], code: u8, content: &[u8], dice: &mut Dice) -> Vec<u8> {
        let secret = dice.secret();
        let nonce = &secret.expose()[..NONCE];
        let payload = Payload { msg: content, aad: &self.aad(code) };
        let sealed = Aes256Gcm::new(key.into()).encrypt(Nonce::from_slice(nonce), payload).expect("far below 64 GiB");
        [nonce, &sealed].concat()
    }

    fn open_with(&self, key: &[u8; 32], code: u8, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE)?;
        let payload = Payload { msg: body, aad: &self.aad(code) };
        Aes256Gcm::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).ok()
    }

    fn aad(&self, code: u8) -> Vec<u8> {
        [self.meeting.as_bytes().as_slice(), &[code]].concat()
    }
}
