//! One WebSocket message is one protobuf, at most [`MAX_MESSAGE`] bytes.

use livekit_protocol::{DataPacket, SignalRequest, SignalResponse, signal_request, signal_response};
use prost::Message;

/// Largest signalling message in bytes, either direction. An offer of a participant who watches fifty tracks takes about 150 kB.
pub const MAX_MESSAGE: usize = 512 * 1024;

/// Largest message of a data channel in bytes, as advertised in the SDP (RFC 8841).
pub const MAX_DATA: usize = 64 * 1024;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More bytes than the bound.
    #[error("message too large")]
    TooLarge,
    /// Not a protobuf of the expected type.
    #[error("malformed message")]
    Malformed,
    /// A valid protobuf that says nothing this version knows.
    #[error("unknown message")]
    Unknown,
}

/// Reads what a client sent.
pub fn decode_request(bytes: &[u8]) -> Result<signal_request::Message, FrameError> {
    bounded::<SignalRequest>(bytes, MAX_MESSAGE)?.message.ok_or(FrameError::Unknown)
}

/// Reads what a server sent.
pub fn decode_response(bytes: &[u8]) -> Result<signal_response::Message, FrameError> {
    bounded::<SignalResponse>(bytes, MAX_MESSAGE)?.message.ok_or(FrameError::Unknown)
}

/// Reads a message of a data channel.
pub fn decode_data(bytes: &[u8]) -> Result<DataPacket, FrameError> {
    bounded(bytes, MAX_DATA)
}

/// The bytes of a client's message.
pub fn encode_request(message: signal_request::Message) -> Vec<u8> {
    SignalRequest { message: Some(message) }.encode_to_vec()
}

/// The bytes of a server's message.
pub fn encode_response(message: signal_response::Message) -> Vec<u8> {
    SignalResponse { message: Some(message) }.encode_to_vec()
}

/// The bytes of a message for a data channel.
pub fn encode_data(packet: &DataPacket) -> Vec<u8> {
    packet.encode_to_vec()
}

fn bounded<M: Message + Default>(bytes: &[u8], limit: usize) -> Result<M, FrameError> {
    if bytes.len() > limit {
        return Err(FrameError::TooLarge);
    }
    M::decode(bytes).map_err(|_| FrameError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back() {
        let sent = signal_request::Message::Ping(7);
        assert_eq!(decode_request(&encode_request(sent.clone())), Ok(sent));
        let sent = signal_response::Message::Pong(7);
        assert_eq!(decode_response(&encode_response(sent.clone())), Ok(sent));
    }

    #[test]
    fn too_large_is_refused_before_it_is_parsed() {
        assert_eq!(decode_request(&vec![0xff; MAX_MESSAGE + 1]), Err(FrameError::TooLarge));
        assert_eq!(decode_data(&vec![0xff; MAX_DATA + 1]), Err(FrameError::TooLarge));
    }

    #[test]
    fn garbage_and_the_unknown_differ() {
        assert_eq!(decode_request(&[0xff; 9]), Err(FrameError::Malformed));
        // Field 900, a varint: a message of a later version.
        assert_eq!(decode_request(&[0xa0, 0x38, 0x01]), Err(FrameError::Unknown));
        assert_eq!(decode_request(&[]), Err(FrameError::Unknown));
    }
}
