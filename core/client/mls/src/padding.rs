//! Application messages are padded to powers of two, so that their size says little: a heartbeat, a mute and a short line look alike.

/// Smallest padded message, bytes.
const SMALLEST: usize = 256;
/// Ends the content; zeros follow (as in ISO/IEC 7816-4).
const END: u8 = 0x80;

pub(crate) fn pad(mut content: Vec<u8>) -> Vec<u8> {
    content.push(END);
    let size = content.len().next_power_of_two().max(SMALLEST);
    content.resize(size, 0);
    content
}

/// The content; `None` if the padding is not what [`pad`] makes.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|&b| b != 0)?;
    let size = (end + 1).next_power_of_two().max(SMALLEST);
    (padded[end] == END && padded.len() == size).then(|| &padded[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_comes_back_and_size_says_little() {
        for len in [0, 1, 100, 255] {
            let padded = pad(vec![0; len]);
            assert_eq!((padded.len(), unpad(&padded)), (256, Some(vec![0; len].as_slice())));
        }
        assert_eq!(pad(vec![7; 256]).len(), 512);
        assert_eq!(pad(vec![7; 16_000]).len(), 16_384);
    }

    #[test]
    fn other_padding_is_refused() {
        assert_eq!(unpad(&[]), None);
        assert_eq!(unpad(&[0; 256]), None);
        assert_eq!(unpad(&[END; 3]), None);
        assert_eq!(unpad(&[pad(vec![1]), vec![0; 256]].concat()), None);
    }
}
