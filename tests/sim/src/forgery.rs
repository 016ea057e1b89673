//! A member who seals with the keys of another, and a media server that gives that as the other's.

use std::time::Duration;

use conclave_base::{Codec, MemberId, Source, Time};
use conclave_media_crypto::hostile;

use crate::media::{Frame, TICK};
use crate::world::{Event, World};

/// Number of the frames that it makes.
pub(crate) const FORGED: u64 = u64::from_be_bytes([0xfe; 8]);
/// Frames that one of them attests.
const ATTESTED: usize = 20;
/// Its counters are so far ahead of those that the victim used: new to everybody, and not so far that the victim's own would be too old.
const AHEAD: u64 = 30;

/// How somebody is spoken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imposture {
    /// The media server gives nothing meanwhile that the victim itself says.
    pub silences: bool,
    /// What is sealed attests what was sealed before, signed by whoever seals it.
    pub signs: bool,
    /// For how long.
    pub span: Duration,
}

/// Under way.
pub(crate) struct Forgery {
    victim: MemberId,
    how: Imposture,
    until: Time,
    /// The newest that were sealed.
    sealed: Vec<Vec<u8>>,
    /// The victim's highest counter.
    seen: u64,
    made: u64,
}

impl World {
    pub(crate) fn forge(&mut self, victim: MemberId, how: Imposture) {
        self.model.claimed.lied = true;
        let until = self.now + how.span;
        let is_idle = self.forgery.is_none();
        self.forgery = Some(Forgery { victim, how, until, sealed: Vec::new(), seen: 0, made: 0 });
        if is_idle {
            self.schedule(self.now, Event::Forge);
        }
    }

    pub(crate) fn on_forge(&mut self) {
        let now = self.now;
        let Some(mut forgery) = self.forgery.take().filter(|forgery| now < forgery.until) else { return };
        self.schedule(now + TICK, Event::Forge);
        let sound = [[0; 10].as_slice(), &FORGED.to_be_bytes(), &[0; 4]].concat();
        forgery.made += 1;
        let counter = forgery.seen + AHEAD + forgery.made;
        // Not in each frame: others have to be in between that are named by those.
        let attested = if forgery.how.signs && forgery.made.is_multiple_of(2) { forgery.sealed.as_slice() } else { &[] };
        if let Some(sealed) = self.mallory.impersonate(forgery.victim, &sound, attested, counter) {
            let frame =
                Frame { owner: forgery.victim, source: Source::Microphone, number: FORGED, sealed: sealed.clone(), contiguous: true };
            forgery.sealed.push(sealed);
            forgery.sealed.drain(..forgery.sealed.len().saturating_sub(ATTESTED));
            let hears = |client: &usize| self.clients[*client].is_awake(now) && self.clients[*client].subscribed.contains(&frame.owner);
            let listening: Vec<_> = (0..self.clients.len()).filter(hears).collect();
            listening.into_iter().for_each(|client| self.receive_frame(client, &frame, true));
        }
        self.forgery = Some(forgery);
    }

    /// A frame came to the media server, which works for the forger: whether it goes no further.
    pub(crate) fn is_silenced(&mut self, frame: &Frame) -> bool {
        let Some(forgery) = self.forgery.as_mut().filter(|forgery| forgery.victim == frame.owner) else { return false };
        if frame.source == Source::Microphone
            && let Some(counter) = hostile::counter(Codec::Opus, &frame.sealed)
        {
            forgery.seen = forgery.seen.max(counter);
        }
        forgery.how.silences
    }
}
