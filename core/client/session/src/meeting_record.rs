use conclave_base::{MeetingId, Redacted};
use conclave_mls::{clean_line, is_signed_by};
use conclave_protocol::host::fingerprint;
use conclave_protocol::limits::{PROTOCOL, TITLE_CHARS};
use conclave_protocol::payload::{Meta, Policy};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::MeetingLink;
use crate::envelope::Envelope;
use crate::keys::Keys;
use crate::rng::Rng;

/// First byte of the sealed record: how to open it. Readable, and part of the AAD.
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

/// Whether the record says that a passphrase stands beside the link.
pub(crate) fn wants_passphrase(sealed: &[u8]) -> bool {
    sealed.first() == Some(&WITH_PASSPHRASE)
}

pub(crate) fn seal(keys: &Keys, host: &SigningKey, title: &str, policy: Policy, rng: &mut Rng) -> Vec<u8> {
    let code = if policy.passphrase { WITH_PASSPHRASE } else { LINK_ONLY };
    let title = Redacted::new(title.to_owned());
    let signature = host.sign(&claim(&keys.meeting, &title, &policy)).to_bytes();
    let meta = Meta { title, host_key: host.verifying_key().to_bytes(), policy, signature };
    let sealed = Envelope::new(&keys.meta, keys.meeting).seal_as(code, &meta.encode(), rng);
    [&[code], sealed.as_slice()].concat()
}

pub(crate) fn open(link: &MeetingLink, keys: &Keys, sealed: &[u8]) -> Result<Meta, RecordError> {
    let (&code, body) = sealed.split_first().ok_or(RecordError::Link)?;
    let closed = if code == WITH_PASSPHRASE { RecordError::Passphrase } else { RecordError::Link };
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
