//! What all formats of C2SP share: base64, decimal numbers without leading zeroes. Each value has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;

/// RFC 4648, section 4, padded.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    Some(Hash(from_base64(text)?.try_into().ok()?))
}

/// A number as only one text spells it.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number = text.parse().ok()?;
    (text.bytes().all(|b| b.is_ascii_digit()) && (number == 0) == text.starts_with('0') && (number != 0 || text.len() == 1))
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "1\n", "0x1", "18446744073709551616", "1_0"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(from_base64("AQ=="), Some(vec![1]));
        for wrong in ["AQ", "AQ=", "AR==", "AQ==\n", "A Q==", "_-=="] {
            assert_eq!(from_base64(wrong), None, "{wrong:?}");
        }
    }
}
