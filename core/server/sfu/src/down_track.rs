use conclave_base::Time;

use crate::api::TrackSettings;
use crate::history::Arrival;
use crate::replay::Replay;
use crate::rewriter::{Origin, Rewriter};
use crate::transport::{OutgoingPacket, OutgoingStream};
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
    /// The place in its track's history of the next packet to look at.
    pub(crate) next: u64,
    /// The place after the last packet that was sent of this track: what came before is not sent again.
    pub(crate) seen: u64,
    pub(crate) replay: Option<Replay>,
    /// Something came that it has not looked at.
    pub(crate) is_fresh: bool,
    pub(crate) rewriter: Rewriter,
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
            next: 0,
            seen: 0,
            replay: None,
            is_fresh: false,
            rewriter: Rewriter::new(),
        }
    }

    /// Stops what is being forwarded; what comes next begins at a key frame.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.target = None;
        self.replay = None;
    }

    /// Whether it has to wait for a key frame of its target.
    pub(crate) fn pending_switch(&self) -> Option<usize> {
        self.target.filter(|_| self.target != self.current)
    }

    /// Whether it may forward a packet of this layer.
    pub(crate) fn takes(&self, layer: usize) -> bool {
        self.current == Some(layer) || self.target == Some(layer)
    }

    /// The header that a packet goes out under, if it goes out. Asked again for the same one, it gives the same.
    pub(crate) fn rewrite<'a>(&mut self, origin: Origin, packet: &Arrival, payload: &'a [u8]) -> Option<OutgoingPacket<'a>> {
        if packet.note.descriptor.starts_key_frame && self.pending_switch() == Some(origin.layer) {
            self.rewriter.switch_source(origin, packet);
            self.current = Some(origin.layer);
        }
        if self.current != Some(origin.layer) {
            return None;
        }
        self.rewriter.rewrite(packet, payload)
    }
}
