use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Text that is not the base64url of sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 22 base64url characters")]
pub struct ParseIdError;

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id that these bytes are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// 22 characters of base64url, for the wire. Not `Display`, so that no log line gets it by accident.
            pub fn to_text(&self) -> String {
                URL_SAFE_NO_PAD.encode(self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseIdError)?;
                bytes.try_into().map(Self).map_err(|_| ParseIdError)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(···)"))
            }
        }
    };
}

id16! {
    /// What the server is told of a meeting: derived one-way from the link.
    MeetingId
}

id16! {
    /// One session of a meeting, drawn by its founder: another session's snapshot opens nothing. No server sees it.
    SessionId
}

id16! {
    /// A member as the transport sees it: SHA-256(leaf signature key)[..16]. Its text is the LiveKit identity.
    MemberId
}

impl MemberId {
    /// For JavaScript, which knows identities by their text.
    pub fn serialize_text<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }

    /// The identity bound to an MLS leaf signature key (Ed25519, 32 bytes).
    pub fn of_key(leaf_signature_key: &[u8]) -> Self {
        let digest = Sha256::digest(leaf_signature_key);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// Place of an entry in a session's delivery log; the first is 1, and 0 means "before all".
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one; after the last there is none, and it stays.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// MLS epoch (RFC 9420, section 7).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// MLS leaf index (RFC 9420, section 4.2).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeafIndex(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = MemberId::of_key(b"key");
        assert_eq!(id.to_text().len(), 22);
        assert_eq!(id.to_text().parse(), Ok(id));
        assert_eq!("short".parse::<MemberId>(), Err(ParseIdError));
    }

    #[test]
    fn debug_shows_no_id() {
        assert_eq!(format!("{:?}", MeetingId::from_bytes([7; 16])), "MeetingId(···)");
    }
}
