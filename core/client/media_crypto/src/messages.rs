//! How session and frame cryptor speak where a worker of JavaScript stands between them: in bytes that nobody there reads. The session's
//! hold media keys; whoever passes them on keeps no copy.

use serde::de::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::{CryptorInput, FrameReport};

/// These bytes are none of our messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message between session and frame cryptor")]
pub struct MessageError;

impl CryptorInput {
    /// Reads what [`as_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        postcard::from_bytes(bytes).map_err(|_| MessageError)
    }
}

impl FrameReport {
    /// Reads what [`as_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        postcard::from_bytes(bytes).map_err(|_| MessageError)
    }
}

/// Serializes a message as its bytes.
pub fn as_bytes<T: Serialize, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let bytes = zeroize::Zeroizing::new(postcard::to_allocvec(message).map_err(serde::ser::Error::custom)?);
    serializer.serialize_bytes(&bytes)
}

/// A secret in such a message.
pub(crate) mod secret {
    use conclave_base::Secret;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(secret: &Secret<32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret<32>, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        bytes.try_into().map(Secret::new).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::Source;

    use super::*;
    use crate::tests::{keys, track};
    use crate::{OpenError, Proof};

    fn bytes<T: Serialize>(message: &T) -> Vec<u8> {
        postcard::to_allocvec(message).expect("serializes")
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let epoch = CryptorInput::Epoch { keys: keys(300, &[0, 1, 7], 1), joined: true, removed: false };
        assert_eq!(CryptorInput::from_bytes(&bytes(&epoch)), Ok(epoch));
        let track = track(7, Source::ScreenAudio);
        for report in [
            FrameReport::Refused { track, reason: OpenError::Replayed, count: 3 },
            FrameReport::Proof { track, proof: Proof::Forged },
            FrameReport::Microphone { owner: track.owner, on: true },
        ] {
            assert_eq!(FrameReport::from_bytes(&bytes(&report)), Ok(report));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [&[][..], &[0xff; 40], &[0]] {
            assert_eq!(CryptorInput::from_bytes(bytes), Err(MessageError));
        }
    }
}
