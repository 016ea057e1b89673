//! The link: all that somebody needs to be let in, in the part of a URL that browsers do not send.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::Secret;
use conclave_protocol::host::fingerprint;
use conclave_protocol::paths::MEETING_PAGE;
use zeroize::{Zeroize as _, Zeroizing};

use crate::host_link::HostLinkKey;
use crate::unescape::unescape;

/// Characters of the fragment.
pub const CHARS: usize = 43;
/// The alphabet of base64url (RFC 4648, section 5), as it stands in a character class of a regular expression.
pub const ALPHABET: &str = "A-Za-z0-9_-";
/// The last of 43 characters holds four bits of 32 bytes; its other two are zero.
const LAST: &str = "AEIMQUYcgkosw048";

/// Largest text in which a link is looked for, in bytes.
const TEXT: usize = 64 * 1024;
/// So many characters and more behind a `#` are a link of which something is missing; fewer are something else.
const LOOKS_CUT: usize = 8;

/// What a fragment looks like that nothing happened to, as a regular expression: such a one the page opens without asking [`find`].
pub fn pattern() -> String {
    format!("^[{ALPHABET}]{{{}}}[{LAST}]$", CHARS - 1)
}

/// `host_fingerprint[16] ‖ S[16]`, written as 43 characters of base64url behind the `#`.
#[derive(Clone, PartialEq, Eq)]
pub struct MeetingLink(Secret<32>);

/// A link as it was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLink {
    /// The link itself.
    pub link: MeetingLink,
    /// Scheme, host and port of its server, if the text names them: `https` where no scheme does.
    pub origin: Option<String>,
    /// With it, it is a host link.
    pub host: Option<HostLinkKey>,
}

/// Why no link was taken from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum LinkError {
    /// There is none: nothing that looks like the part behind `#`.
    #[error("no secret in the link")]
    Missing,
    /// The part behind `#` is not 43 of its characters: something was cut off, added or changed.
    #[error("link not whole")]
    Cut,
    /// Two links or more, and nothing says which is meant.
    #[error("several links")]
    Several,
}

impl MeetingLink {
    /// The link of a host key and a fresh secret.
    pub(crate) fn new(host_key: &[u8; 32], secret: &[u8; 16]) -> Self {
        let mut t = [0; 32];
        t[..16].copy_from_slice(&fingerprint(host_key));
        t[16..].copy_from_slice(secret);
        Self(Secret::new(t))
    }

    /// The one link in `text`, however it arrived: see [`find`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        find(text).map(|found| found.link)
    }

    /// `origin/m#T`. The origin is scheme, host and port, such as `https://meet.example`.
    pub fn url(&self, origin: &str) -> String {
        page_url(origin, &self.fragment())
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

/// The page that opens what stands behind the `#`.
pub(crate) fn page_url(origin: &str, fragment: &str) -> String {
    format!("{}{MEETING_PAGE}#{fragment}", origin.trim_end_matches('/'))
}

/// Finds the one link in a text: a whole URL, `#T`, `T`, or either of the last two somewhere in a letter, in markup, in the URL of a mail
/// scanner, wrapped over lines, with punctuation or parameters behind it. A text that names one link twice names one link.
pub fn find(text: &str) -> Result<FoundLink, LinkError> {
    if text.len() > TEXT {
        return Err(LinkError::Missing);
    }
    let text = unescape(text);
    if !text.contains('#') {
        let bare = text.trim_start_matches(|c| !is_of_alphabet(c));
        let is_one_word = !text.contains('/') && !text.trim().contains(char::is_whitespace);
        return match read_secret(bare) {
            Ok((link, host)) if !text.contains('/') => Ok(FoundLink { link, origin: None, host }),
            Err(LinkError::Cut) if is_one_word => Err(LinkError::Cut),
            Ok(_) | Err(_) if names_meeting_page(&text) => Err(LinkError::Cut),
            Ok(_) | Err(_) => Err(LinkError::Missing),
        };
    }
    let mut found: Option<FoundLink> = None;
    let mut error = LinkError::Missing;
    for (at, _) in text.match_indices('#') {
        let (link, host) = match read_secret(&text[at + 1..]) {
            Ok(read) => read,
            Err(why) => {
                error = if why == LinkError::Missing { error } else { why };
                continue;
            }
        };
        let Ok(origin) = origin_at_end(&text[..at]) else { continue };
        match &mut found {
            Some(other) if other.link != link => return Err(LinkError::Several),
            Some(same) => {
                same.origin = same.origin.take().or(origin);
                same.host = same.host.take().or(host);
            }
            None => found = Some(FoundLink { link, origin, host }),
        }
    }
    found.ok_or(error)
}

/// Reads the secret at the beginning of `text`: 43 characters, between which lines may end and blanks stand; and what makes it a host link.
fn read_secret(text: &str) -> Result<(MeetingLink, Option<HostLinkKey>), LinkError> {
    let mut secret = Zeroizing::new(String::with_capacity(CHARS * 2));
    let (mut rest, mut has_blank) = (text, false);
    while secret.len() < CHARS {
        let gap = Gap::at_start(rest);
        let after = &rest[gap.len..];
        let part = &after[..after.find(|c| !is_of_alphabet(c)).unwrap_or(after.len())];
        if part.is_empty() || gap.line_ends > 1 {
            break;
        }
        has_blank |= gap.blank && gap.line_ends == 0;
        secret.push_str(part);
        rest = &after[part.len()..];
    }
    // Where words follow, what stood behind a blank may be words too, and not the end of the secret.
    let doubtful = has_blank && rest.lines().next().is_some_and(|line| line.contains(char::is_alphanumeric));
    let (secret, more) = secret.split_at(secret.len().min(CHARS));
    // Emphasis and dashes of the text around it are of the alphabet.
    if doubtful || !more.bytes().all(|b| matches!(b, b'_' | b'-')) {
        return Err(LinkError::Cut);
    }
    let mut bytes = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes) {
        Ok(32) => Ok((MeetingLink(Secret::new(bytes)), HostLinkKey::at_start(rest))),
        Ok(_) | Err(_) => {
            bytes.zeroize();
            Err(if secret.len() < LOOKS_CUT { LinkError::Missing } else { LinkError::Cut })
        }
    }
}

/// What may stand between two parts of a secret.
struct Gap {
    len: usize,
    line_ends: usize,
    /// White space other than a line's end.
    blank: bool,
}

impl Gap {
    fn at_start(text: &str) -> Self {
        let mut gap = Self { len: 0, line_ends: 0, blank: false };
        for c in text.chars() {
            match c {
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => gap.line_ends += 1,
                // A quoted line begins so.
                '>' if gap.line_ends > 0 => {}
                // Places where a line may break, that nobody sees.
                '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
                _ if c.is_whitespace() => gap.blank = true,
                _ => break,
            }
            gap.len += c.len_utf8();
        }
        gap
    }
}

/// The address in front of a `#` is not one that this product can go to.
struct Foreign;

/// Scheme, host and port of the address that `text` ends with; `None` if it ends with none.
fn origin_at_end(text: &str) -> Result<Option<String>, Foreign> {
    let address = text.rsplit(is_outside).next().unwrap_or_default();
    let (scheme, rest) = match address.rsplit_once("://") {
        Some((before, rest)) => (before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default(), rest),
        None => ("", address.trim_start_matches(|c: char| !c.is_alphanumeric())),
    };
    let host = rest.split(['/', '?', '\\', '#']).next().unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        scheme @ ("http" | "https") if is_host(host) => Ok(Some(format!("{scheme}://{host}"))),
        "" if !address.contains("://") => Ok((is_host(host) && host.contains(['.', ':'])).then(|| format!("https://{host}"))),
        _ => Err(Foreign),
    }
}

/// Whether an address of a meeting's page stands in `text`, with nothing behind it where its secret should be.
fn names_meeting_page(text: &str) -> bool {
    text.split(is_outside).any(|word| {
        let address = word.split('?').next().unwrap_or_default().trim_end_matches(|c: char| !c.is_alphanumeric());
        let origin = address.strip_suffix(MEETING_PAGE).unwrap_or_default();
        let host = origin.rsplit("://").next().unwrap_or_default();
        !host.contains('/') && matches!(origin_at_end(origin), Ok(Some(_)))
    })
}

/// Whether an address ends before this character.
fn is_outside(c: char) -> bool {
    c.is_whitespace() || "\"'<>(){}|`*".contains(c)
}

/// Whether this is a host with or without a port: nothing that a browser would read as something else.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => (name, port),
        _ => (text, "0"),
    };
    let is_name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(v6) => v6.contains(':') && v6.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')),
        None => name.starts_with(char::is_alphanumeric) && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    is_name && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_of_alphabet(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
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
    fn a_link_survives_printing() {
        let link = MeetingLink::new(&[1; 32], &[2; 16]);
        let url = link.url("https://meet.example/");
        assert_eq!(url.len(), "https://meet.example/m#".len() + 43);
        assert_eq!(MeetingLink::parse(&url), Ok(link));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", MeetingLink::new(&[1; 32], &[2; 16])), "MeetingLink(···)");
    }
}
