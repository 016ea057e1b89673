use conclave_base::Time;

use crate::api::TrackSettings;
use crate::payload_descriptor::PayloadDescriptor;
use crate::rewriter::Rewriter;
use crate::transport::{OutgoingPacket, OutgoingStream, Packet};
use crate::{Mid, TrackId};

/// A section on which a subscriber receives: one unbroken outgoing stream, whatever it carries.
#[derive(Debug)]
pub(crate) struct DownTrack {
    pub(crate) mid: Mid,
    pub(crate) stream: Option<OutgoingStream>,
    pub(crate) track: Option<TrackId>,
    pub(crate) settings: TrackSettings,
    /// The layer being forwarded.
    pub(crate) current: Option<usize>,
    /// The layer that is to be forwarded; it takes over at its next key frame.
    pub(crate) target: Option<usize>,
    /// When the path last was too narrow for a better layer.
    pub(crate) downgraded_at: Option<Time>,
    rewriter: Rewriter,
}

impl DownTrack {
    pub(crate) fn new(mid: Mid) -> Self {
        Self {
            mid,
            stream: None,
            track: None,
            settings: TrackSettings::default(),
            current: None,
            target: None,
            downgraded_at: None,
            rewriter: Rewriter::new(),
        }
    }

    /// Stops what is being forwarded; what comes next begins at a key frame.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.target = None;
    }

    /// Whether it has to wait for a key frame of its target.
    pub(crate) fn pending_switch(&self) -> Option<usize> {
        self.target.filter(|_| self.target != self.current)
    }

    /// The header that a packet of `layer` goes out under, if it goes out.
    pub(crate) fn rewrite<'a>(&mut self, layer: usize, packet: &'a Packet, descriptor: PayloadDescriptor) -> Option<OutgoingPacket<'a>> {
        if descriptor.starts_key_frame && self.pending_switch() == Some(layer) {
            self.rewriter.switch_source(packet, descriptor);
            self.current = Some(layer);
        }
        if self.current != Some(layer) {
            return None;
        }
        self.rewriter.rewrite(packet, descriptor)
    }
}
