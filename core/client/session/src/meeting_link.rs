//! The link: all that somebody needs to be let in, in the part of a URL that browsers do not send.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::Secret;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

/// Characters of the fragment.
pub const CHARS: usize = 43;
/// The alphabet of base64url (RFC 4648, section 5), as it stands in a character class of a regular expression.
pub const ALPHABET: &str = "A-Za-z0-9_-";
/// The last of 43 characters holds four bits of 32 bytes; its other two are zero.
const LAST: &str = "AEIMQUYcgkosw048";

/// What [`Link::parse`] takes as a fragment, as a regular expression: for the page, which reads links before it can call that.
pub fn pattern() -> String {
    format!("^[{ALPHABET}]{{{}}}[{LAST}]$", CHARS - 1)
}

/// `host_fingerprint[16] ‖ S[16]`, written as 43 characters of base64url behind the `#`.
#[derive(Clone, PartialEq, Eq)]
pub struct MeetingLink(Secret<32>);

/// Why a text is not a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No fragment, or an empty one.
    #[error("no secret in the link")]
    Missing,
    /// The fragment is not 43 characters long: something was cut off or added.
    #[error("link not whole")]
    Cut,
    /// The fragment holds characters that no link has.
    #[error("link garbled")]
    Garbled,
}

impl MeetingLink {
    /// The link of a host key and a fresh secret.
    pub(crate) fn new(host_key: &[u8; 32], secret: &[u8; 16]) -> Self {
        let mut t = [0; 32];
        t[..16].copy_from_slice(&fingerprint(host_key));
        t[16..].copy_from_slice(secret);
        Self(Secret::new(t))
    }

    /// Reads a whole URL, `#T` or `T`; space around it does not matter.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let t = match text.split_once('#') {
            Some((_, fragment)) => fragment,
            None if text.contains('/') => "",
            None => text,
        };
        if t.is_empty() {
            return Err(LinkError::Missing);
        }
        if t.len() != CHARS {
            return Err(LinkError::Cut);
        }
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(t, &mut bytes) {
            Ok(32) => Ok(Self(Secret::new(bytes))),
            Ok(_) | Err(_) => {
                bytes.zeroize();
                Err(LinkError::Garbled)
            }
        }
    }

    /// `origin/#T`. The origin is scheme, host and port, such as `https://meet.example`.
    pub fn url(&self, origin: &str) -> String {
        format!("{}/#{}", origin.trim_end_matches('/'), self.fragment())
    }

    /// `T`: whoever reads it can come in.
    pub fn fragment(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.expose())
    }

    /// What the server is told of the meeting.
    pub fn meeting(&self) -> conclave_base::MeetingId {
        crate::keys::meeting_id(self)
    }

    /// First 16 bytes of SHA-256 over the host's public key.
    pub(crate) fn host_fingerprint(&self) -> [u8; 16] {
        self.halves().0
    }

    pub(crate) fn secret(&self) -> Secret<16> {
        Secret::new(self.halves().1)
    }

    pub(crate) fn all(&self) -> &[u8; 32] {
        self.0.expose()
    }

    fn halves(&self) -> ([u8; 16], [u8; 16]) {
        let (mut host, mut secret) = ([0; 16], [0; 16]);
        host.copy_from_slice(&self.all()[..16]);
        secret.copy_from_slice(&self.all()[16..]);
        (host, secret)
    }
}

/// First 16 bytes of SHA-256 over a host's public key.
pub(crate) fn fingerprint(host_key: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha256::digest(host_key)[..16]);
    first
}

impl fmt::Debug for MeetingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeetingLink(···)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_survives_printing_and_pasting() {
        let link = MeetingLink::new(&[1; 32], &[2; 16]);
        let url = link.url("https://meet.example/");
        assert_eq!(url.len(), "https://meet.example/#".len() + 43);
        for text in [url.clone(), format!("  {url}\n"), link.fragment(), format!("#{}", link.fragment())] {
            assert_eq!(MeetingLink::parse(&text), Ok(link.clone()));
        }
    }

    #[test]
    fn what_is_not_whole_says_so() {
        let url = MeetingLink::new(&[1; 32], &[2; 16]).url("https://meet.example");
        assert_eq!(MeetingLink::parse("https://meet.example/"), Err(LinkError::Missing));
        assert_eq!(MeetingLink::parse(""), Err(LinkError::Missing));
        assert_eq!(MeetingLink::parse(&url[..url.len() - 1]), Err(LinkError::Cut));
        assert_eq!(MeetingLink::parse(&format!("{url}.")), Err(LinkError::Cut));
        assert_eq!(MeetingLink::parse(&format!("{}!", &url[..url.len() - 1])), Err(LinkError::Garbled));
    }

    #[test]
    fn the_pattern_takes_what_is_a_link_and_nothing_else() {
        assert_eq!(pattern(), "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$");
        let rest = "A".repeat(CHARS - 1);
        for char in (0..=u8::MAX).map(char::from).filter(|char| *char != '#' && !char.is_whitespace()) {
            assert_eq!(MeetingLink::parse(&format!("{rest}{char}")).is_ok(), LAST.contains(char), "{char:?} at the end");
            let of_alphabet = char.is_ascii_alphanumeric() || char == '_' || char == '-';
            assert_eq!(MeetingLink::parse(&format!("{char}{rest}")).is_ok(), of_alphabet, "{char:?} at the beginning");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", MeetingLink::new(&[1; 32], &[2; 16])), "MeetingLink(···)");
    }
}
