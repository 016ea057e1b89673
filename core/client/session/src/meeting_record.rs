use conclave_base::{MeetingId, Redacted};
use conclave_mls::{clean_line, is_signed_by};
use conclave_protocol::host::{fingerprint, passphrase_claim};
use conclave_protocol::limits::{PROTOCOL, TITLE_CHARS};
use conclave_protocol::payload::{Meta, PassphraseKey, Policy};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::MeetingLink;
use crate::envelope::Envelope;
use crate::keys::Keys;
use crate::rng::Rng;

/// First byte of the record: how to open it. Readable, and part of the AAD. With a passphrase, a [`PassphraseKey`] follows, readable too.
const LINK_ONLY: u8 = 0x80;
const WITH_PASSPHRASE: u8 = 0x81;

/// Why what the server keeps is not this link's meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// It does not open with the link, or is malformed inside.
    #[error("record does not open with this link")]
    Link,
    /// A passphrase is needed, or this is not it.
    #[error("passphrase missing or wrong")]
    Passphrase,
    /// Not signed by the host whose fingerprint stands in the link.
    #[error("not signed by the link's host")]
    Host,
    /// Made by a newer release, or it asks for what this one does not do.
    #[error("policy of another version")]
    Version,
}

/// If the record says that a passphrase stands beside the link: by which key the server does its part, as the link's host signed it.
pub(crate) fn server_key(link: &MeetingLink, sealed: &[u8]) -> Result<Option<[u8; 32]>, RecordError> {
    let Some(body) = sealed.strip_prefix(&[WITH_PASSPHRASE]) else { return Ok(None) };
    let (PassphraseKey { server_key, host_key, signature }, _) = PassphraseKey::take(body).map_err(|_| RecordError::Link)?;
    let signed = fingerprint(&host_key) == link.host_fingerprint()
        && is_signed_by(&host_key, &passphrase_claim(&link.meeting(), &server_key), &signature);
    if signed { Ok(Some(server_key)) } else { Err(RecordError::Host) }
}

pub(crate) fn seal(keys: &Keys, host: &SigningKey, title: &str, policy: Policy, rng: &mut Rng) -> Vec<u8> {
    let host_key = host.verifying_key().to_bytes();
    let head = keys.server_key.map_or_else(
        || vec![LINK_ONLY],
        |server_key| {
            let signature = host.sign(&passphrase_claim(&keys.meeting, &server_key)).to_bytes();
            [vec![WITH_PASSPHRASE], PassphraseKey { server_key, host_key, signature }.encode()].concat()
        },
    );
    let title = Redacted::new(title.to_owned());
    let signature = host.sign(&claim(&keys.meeting, &title, &policy)).to_bytes();
    let meta = Meta { title, host_key, policy, signature };
    let sealed = Envelope::new(&keys.meta, keys.meeting).seal_as(head[0], &meta.encode(), rng);
    [head, sealed].concat()
}

pub(crate) fn open(link: &MeetingLink, keys: &Keys, sealed: &[u8]) -> Result<Meta, RecordError> {
    let (&code, body) = sealed.split_first().ok_or(RecordError::Link)?;
    let (closed, body) = if code == WITH_PASSPHRASE {
        (RecordError::Passphrase, PassphraseKey::take(body).map_err(|_| RecordError::Link)?.1)
    } else {
        (RecordError::Link, body)
    };
    let plain = Envelope::new(&keys.meta, keys.meeting).open_as(code, body).map_err(|_| closed)?;
    let meta = Meta::decode(&plain).map_err(|_| closed)?;
    if meta.policy.version != PROTOCOL {
        return Err(RecordError::Version);
    }
    let signed = fingerprint(&meta.host_key) == link.host_fingerprint()
        && meta.policy.host_keys.contains(&meta.host_key)
        && meta.policy.passphrase == (code == WITH_PASSPHRASE)
        && is_signed_by(&meta.host_key, &claim(&keys.meeting, &meta.title, &meta.policy), &meta.signature);
    // Signed is not yet fit to be shown: a host's client may be a changed one.
    let title = Redacted::new(clean_line(meta.title.expose(), TITLE_CHARS));
    if signed { Ok(Meta { title, ..meta }) } else { Err(RecordError::Host) }
}

fn claim(meeting: &MeetingId, title: &Redacted<String>, policy: &Policy) -> Vec<u8> {
    let content = postcard::to_stdvec(&(title, policy)).expect("these types have no failing serializer");
    [b"conclave/1 meta".as_slice(), meeting.as_bytes(), &content].concat()
}
