//! Hexadecimal (RFC 4648, section 8) in lowercase: each value has one spelling, and takes the same time as any other.

/// Two digits for each byte.
pub fn encode(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// `N` bytes; `None` if it is anything else.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let decoded = base16ct::lower::decode(text, &mut bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_lowercase_and_whole() {
        assert_eq!(encode(&[0, 255]), "00ff");
        assert_eq!(decode("00ff"), Some([0, 255]));
        for wrong in ["00FF", "00f", "+0ff", "00ff0", "0é0", "00", "00ffff"] {
            assert_eq!(decode::<2>(wrong), None, "{wrong:?}");
        }
    }
}
