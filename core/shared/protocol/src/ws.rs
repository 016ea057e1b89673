//! The WebSocket [`LIVE`](crate::paths::LIVE): one postcard message a binary frame, at most [`crate::limits::MESSAGE`].
//!
//! ```text
//! client                                server
//!   Hello{version, meeting, after}  ->
//!                                   <-  Challenge{nonce}
//!   Prove{admission, identity}      ->
//!                                   <-  Admitted{token, head}, then Entry… from the last snapshot (or `after`)
//!   Append{request, class, …}       ->
//!                                   <-  Appended{request, seq} | Refused{request, why}; Entry to everybody, sender too
//! ```

use conclave_base::{MeetingId, MemberId, Seq};
use serde::{Deserialize, Serialize};

pub use crate::log::{Class, Entry, LogPosition, LogTime};

/// From a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// First message.
    Hello {
        /// [`crate::limits::PROTOCOL`].
        version: u16,
        /// Which meeting.
        meeting: MeetingId,
        /// The last entry this client has, when it comes back to the same session; `None` to start from the last snapshot.
        after: Option<LogPosition>,
    },
    /// Answer to [`ServerMessage::Challenge`].
    Prove {
        /// Ed25519 signature by the admission key over [`crate::challenge::admission`].
        #[serde(with = "bytes_array")]
        admission: [u8; 64],
        /// The member's leaf signature key.
        identity_key: [u8; 32],
        /// Ed25519 signature by it over [`crate::challenge::identity`].
        #[serde(with = "bytes_array")]
        identity: [u8; 64],
    },
    /// Appends an entry.
    Append {
        /// Chosen by the client, echoed in the answer.
        request: u32,
        /// Class of the entry.
        class: Class,
        /// For commits and snapshots: the last commit's place that the sender knows (`Seq(0)` if none); a snapshot is also
        /// refused as stale when a proposal has followed that commit. Ignored for other classes.
        parent_commit: Seq,
        /// The sealed bytes.
        #[serde(with = "serde_bytes")]
        sealed: Vec<u8>,
    },
    /// Asks for a fresh media token.
    RenewToken,
    /// Keep-alive; answered by [`ServerMessage::Pong`].
    Ping,
    /// This client leaves, and will not come back on its own: its [`Class::Gone`] need not wait for a grace.
    Leave,
}

/// From the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// Answer to `Hello`.
    Challenge {
        /// Fresh random bytes.
        nonce: [u8; 32],
    },
    /// The client is in. Entries follow.
    Admitted {
        /// LiveKit access token for this member's identity; empty name, metadata, attributes.
        media_token: String,
        /// Where LiveKit signalling answers, if not at this origin's `/rtc`.
        media_url: Option<String>,
        /// The newest entry's place; `Seq(0)` for an empty log: the client may found the group.
        head: Seq,
        /// The last commit's place, `Seq(0)` if none.
        last_commit: Seq,
        /// Chain value at `head`.
        chain_hash: [u8; 32],
        /// `after` was too old or of another session: the client must join anew as a new leaf.
        stale: bool,
    },
    /// One entry of the log. While catching up, a newcomer gets the last snapshot and the commits and proposals after it;
    /// from `head` on, everything, without gaps.
    Entry(Entry),
    /// An append was taken.
    Appended {
        /// As sent.
        request: u32,
        /// Its place.
        seq: Seq,
    },
    /// An append was refused; nothing of it is kept.
    Refused {
        /// As sent.
        request: u32,
        /// Why.
        why: Refusal,
    },
    /// A hint: the media connection of this member is gone. Members decide what it means.
    MediaDisconnected {
        /// Whose.
        identity: MemberId,
    },
    /// Answer to `RenewToken`.
    Token {
        /// As in `Admitted`.
        media_token: String,
    },
    /// Answer to `Ping`.
    Pong,
    /// Last message before the server closes the connection.
    Closing {
        /// Why.
        reason: CloseReason,
    },
}

/// Why an append was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// `parent_commit` is not the last commit; the entries that the sender lacks are on their way or already sent.
    Stale {
        /// The last commit's place.
        last_commit: Seq,
    },
    /// The entry is over its class's limit.
    TooLarge,
    /// The client sends too much; wait and send again.
    Busy,
}

/// Why the server closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloseReason {
    /// Another protocol version; reload the page.
    Version,
    /// No such meeting, or it has expired.
    NotFound,
    /// A signature was wrong: the link does not fit the meeting.
    BadProof,
    /// The meeting has as many people as it may.
    Full,
    /// A message was not understood or came out of turn.
    Malformed,
    /// Too many messages.
    TooMany,
    /// The client did not answer in time.
    Timeout,
    /// The same identity connected again.
    Replaced,
    /// The time of the session is up, as [`MeetingInfo::lasts`](crate::http::MeetingInfo::lasts) has it, or that of the meeting.
    Expired,
    /// The server stops.
    Stopping,
}

/// Bytes that are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Over [`crate::limits::MESSAGE`].
    #[error("message too large")]
    TooLarge,
    /// Not postcard of the expected type, or bytes left over.
    #[error("malformed message")]
    Malformed,
}

macro_rules! codec {
    ($name:ident) => {
        impl $name {
            /// The bytes of one WebSocket frame.
            pub fn encode(&self) -> Vec<u8> {
                postcard::to_stdvec(self).expect("these types have no failing serializer")
            }

            /// Reads one WebSocket frame; the whole of it must be used.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                if bytes.len() > crate::limits::MESSAGE {
                    return Err(DecodeError::TooLarge);
                }
                match postcard::take_from_bytes(bytes) {
                    Ok((message, [])) => Ok(message),
                    Ok(_) | Err(_) => Err(DecodeError::Malformed),
                }
            }
        }
    };
}

codec!(ClientMessage);
codec!(ServerMessage);

/// Fixed-size byte arrays (serde has none above 32).
pub mod bytes_array {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// As a byte string.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    /// From a byte string of exactly `N` bytes.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(d: D) -> Result<[u8; N], D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(d)?;
        <[u8; N]>::try_from(bytes.as_slice()).map_err(|_| D::Error::invalid_length(bytes.len(), &"another length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_and_left_over_bytes_are_refused() {
        let hello = ClientMessage::Hello {
            version: 1,
            meeting: MeetingId::from_bytes([1; 16]),
            after: Some(LogPosition { seq: Seq(9), chain_hash: [2; 32] }),
        };
        let mut bytes = hello.encode();
        assert_eq!(ClientMessage::decode(&bytes), Ok(hello));
        bytes.push(0);
        assert_eq!(ClientMessage::decode(&bytes), Err(DecodeError::Malformed));
    }

    #[test]
    fn a_cut_message_is_refused() {
        let prove = ClientMessage::Prove { admission: [1; 64], identity_key: [2; 32], identity: [3; 64] };
        let bytes = prove.encode();
        assert_eq!(ClientMessage::decode(&bytes), Ok(prove));
        assert_eq!(ClientMessage::decode(&bytes[..40]), Err(DecodeError::Malformed));
    }
}
