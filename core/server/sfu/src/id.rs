use std::fmt;

/// One WebRTC connection, and so one participant of a room; who sends on one connection and receives on another is two of them here. The caller
/// numbers them and never uses a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub u64);

/// Participants of one room see one another's tracks; participants of two rooms never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

/// One published track (microphone, camera, screen). The caller numbers them and never uses a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// Text that is empty, too long, or holds something that is not a token character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of the allowed length")]
pub struct BadToken;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $capacity:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            len: u8,
            bytes: [u8; $capacity],
        }

        impl $name {
            /// Reads a token: 1 to N visible ASCII characters.
            pub fn new(text: &str) -> Result<Self, BadToken> {
                let from = text.as_bytes();
                if from.is_empty() || from.len() > $capacity || !from.iter().all(u8::is_ascii_graphic) {
                    return Err(BadToken);
                }
                let mut bytes = [0; $capacity];
                bytes[..from.len()].copy_from_slice(from);
                Ok(Self { len: from.len() as u8, bytes })
            }

            /// The text it was read from.
            pub fn as_str(&self) -> &str {
                // `new` lets only ASCII in.
                std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
    };
}

token! {
    /// Name of a media section within one connection (`a=mid`, RFC 8843), at most 16 characters.
    Mid, 16
}

token! {
    /// Name of a simulcast layer within one media section (`a=rid`, RFC 8851), at most 8 characters.
    Rid, 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_short_visible_ascii() {
        assert_eq!(Mid::new("0").map(|m| m.as_str().to_owned()), Ok("0".to_owned()));
        assert_eq!(Mid::new(""), Err(BadToken));
        assert_eq!(Mid::new("a b"), Err(BadToken));
        assert_eq!(Rid::new("ninechars"), Err(BadToken));
    }
}
