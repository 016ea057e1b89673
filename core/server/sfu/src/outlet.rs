use conclave_base::Time;

use crate::api::Setting;
use crate::payload::Glimpse;
use crate::rewrite::Rewriter;
use crate::transport::{Outgoing, OutgoingStream, Packet};
use crate::{Mid, TrackId};

/// A section on which a subscriber receives: one unbroken outgoing stream, whatever it carries.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) mid: Mid,
    pub(crate) stream: Option<OutgoingStream>,
    pub(crate) track: Option<TrackId>,
    pub(crate) setting: Setting,
    /// The layer being forwarded.
    pub(crate) current: Option<usize>,
    /// The layer that is to be forwarded; it takes over at its next key frame.
    pub(crate) target: Option<usize>,
    /// When the path last was too narrow for a better layer.
    pub(crate) narrow_at: Option<Time>,
    rewriter: Rewriter,
}

impl Outlet {
    pub(crate) fn new(mid: Mid) -> Self {
        Self {
            mid,
            stream: None,
            track: None,
            setting: Setting::default(),
            current: None,
            target: None,
            narrow_at: None,
            rewriter: Rewriter::new(),
        }
    }

    /// Stops what is being forwarded; what comes next begins at a key frame.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.target = None;
    }

    /// Whether it has to wait for a key frame of its target.
    pub(crate) fn waits(&self) -> Option<usize> {
        self.target.filter(|_| self.target != self.current)
    }

    /// The header that a packet of `layer` goes out under, if it goes out.
    pub(crate) fn pass<'a>(&mut self, layer: usize, packet: &'a Packet, glimpse: Glimpse, now: Time) -> Option<Outgoing<'a>> {
        if glimpse.entry && self.waits() == Some(layer) {
            self.rewriter.splice(packet, glimpse, now);
            self.current = Some(layer);
        }
        if self.current != Some(layer) {
            return None;
        }
        self.rewriter.rewrite(packet, glimpse, now)
    }
}
