//! RTCP (RFC 3550, section 6): compound packets read in place and written in place. Without their first SR or RR they are taken too (RFC 5506).
//!
//! ```
//! use conclave_rtp::rtcp::{Compound, Message, Writer};
//!
//! let mut bytes = [0; 100];
//! let mut writer = Writer::new(&mut bytes);
//! writer.receiver_report(1, &[])?;
//! writer.nack(1, 2, [17, 18, 40])?;
//! let len = writer.len();
//!
//! let mut messages = Compound::read(&bytes[..len]);
//! assert!(matches!(messages.next(), Some(Ok(Message::ReceiverReport { ssrc: 1, .. }))));
//! let Some(Ok(Message::Nack { media: 2, lost, .. })) = messages.next() else { panic!("a NACK was written") };
//! assert_eq!(lost.collect::<Vec<_>>(), [17, 18, 40]);
//! assert!(messages.next().is_none());
//! # Ok::<(), conclave_rtp::NoRoom>(())
//! ```

mod feedback;
mod read;
mod write;

pub use feedback::{Feedback, Status, TICK, Ticks};
pub use read::{Blocks, Compound, Fir, Lost, Message, Ssrcs};
pub(crate) use write::Statuses;
pub use write::Writer;

/// Packet types (RFC 3550, section 12.1; RFC 4585, section 6.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Formats of feedback (RFC 4585, section 6.2 and 6.3; RFC 5104, section 4.3.1; draft-holmer-rmcat-transport-wide-cc-extensions).
const NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;
const PLI: u8 = 1;
const FIR: u8 = 4;

/// What a sender says of its own stream (RFC 3550, section 6.4.1).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// Now, as NTP has it: seconds since 1900, in 2^-32.
    pub ntp: u64,
    /// The same moment on the stream's clock.
    pub timestamp: u32,
    /// Packets since the stream began.
    pub packets: u32,
    /// Bytes of their payload.
    pub octets: u32,
}

/// What a receiver says of one stream (RFC 3550, section 6.4.1).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Whose stream.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the stream began; duplicates make it less. 24 bits.
    pub lost: i32,
    /// The highest sequence number, with how often they rolled over in front.
    pub highest: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// The middle 32 bits of [`SenderInfo::ntp`] in the last sender report; 0 for none.
    pub last_report: u32,
    /// Since that one came, in 1/65536 of a second.
    pub delay: u32,
}
