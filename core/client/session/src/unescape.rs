//! What mail programs, link scanners and markup did to a text is undone.

use zeroize::Zeroizing;

/// Wrappers within wrappers: each escapes once more.
const DEPTH: usize = 4;
/// `#` in HTML.
const HTML: [&str; 3] = ["&#35;", "&#x23;", "&num;"];

/// The text without line ends of quoted-printable (RFC 2045, 6.7), with `#` for its HTML forms, and percent-decoded (RFC 3986, 2.1) as
/// often as it takes. What is no escape stays as it is.
pub(crate) fn unescape(text: &str) -> Zeroizing<String> {
    let mut text = replace(text, "\r\n", "\n");
    text = replace(&text, "=\n", "");
    for _ in 0..DEPTH {
        if !text.contains(['%', '&']) {
            break;
        }
        text = decode_percent(&text);
        for escape in HTML {
            text = replace(&text, escape, "#");
        }
    }
    text
}

/// The text may hold a secret: no copy of it stays behind.
fn replace(text: &str, from: &str, to: &str) -> Zeroizing<String> {
    Zeroizing::new(text.replace(from, to))
}

/// Escapes of ASCII; a link has no others.
fn decode_percent(text: &str) -> Zeroizing<String> {
    let mut decoded = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('%') {
        decoded.push_str(before);
        let hex = escape.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        match byte {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = &escape[2..];
            }
            None => {
                decoded.push('%');
                rest = escape;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}
