//! A connection's media: RTP and RTCP in both directions, with the keys that nobody else has.
//!
//! ```text
//!  datagram ─> Receiving ─> events           packet ─> Sending ─> batch
//!                 │ RTCP                                  │ RTCP
//!                 └── reports, NACK, PLI, feedback ───────┘
//! ```

mod clock;
mod incoming;
mod negotiated;
mod outgoing;
mod prober;
mod receiving;
mod sending;
mod vp8;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use conclave_base::{Datagram, LookupMap, Time};
use conclave_rtp::rtcp::{Compound, Message, Writer};
use conclave_rtp::{Batch, KeyingMaterial, Kind, NoRoom, Role};
use conclave_sfu::{Direction, IncomingStream, Mid, OutgoingPacket, OutgoingStream, Purpose, Received, Sealing, TransportEvent};
use str0m::Rtc;

use negotiated::{ExtensionIds, Negotiated};
use outgoing::Outgoing;
use receiving::Receiving;
use sending::Sending;

/// How often senders and receivers are told how their streams do.
const REPORTS: Duration = Duration::from_secs(1);
/// How often a sender is told when its packets came.
const FEEDBACK: Duration = Duration::from_millis(50);
/// Whose reports those are on which nobody sends (what libwebrtc takes for such).
const OWN: u32 = 1;
/// Bytes of a compound packet before it is sealed.
const MOST_RTCP: usize = 1160;
/// Bytes that sealing adds, and some more.
const SEALING: usize = 32;
/// Longest RTCP packet that is opened.
const MOST_RECEIVED: usize = 1500;
/// Repairs that one RTCP packet may ask for.
const MOST_ASKED: usize = 512;

/// RTP and RTCP of one connection.
#[derive(Debug, Default)]
pub(crate) struct Media {
    receiving: Option<Receiving>,
    sending: Sending,
    negotiated: Negotiated,
    /// The stream of each section that we send on.
    sections: LookupMap<Mid, OutgoingStream>,
    /// Our address and theirs.
    path: Option<(SocketAddr, SocketAddr)>,
    events: VecDeque<TransportEvent>,
    datagrams: VecDeque<Datagram>,
    /// Streams that a key frame is to be asked of.
    key_frames: Vec<IncomingStream>,
    reports_at: Time,
    feedback_at: Time,
}

impl Media {
    /// DTLS has agreed on keys. `false` if they are of no use.
    pub(crate) fn start(&mut self, keys: KeyingMaterial, role: Role) -> bool {
        let Ok((opener, sealer)) = keys.into_keys(role) else { return false };
        self.receiving = Some(Receiving::new(opener));
        self.sending.start(sealer);
        true
    }

    /// ICE sends from our address to theirs.
    pub(crate) fn set_path(&mut self, ours: SocketAddr, theirs: SocketAddr) {
        self.path = Some((ours, theirs));
    }

    /// Takes over what an offer and its answer agreed on.
    pub(crate) fn negotiate(&mut self, rtc: &mut Rtc, offer: &str, sections: &[(Mid, Direction)]) {
        self.negotiated = Negotiated::of(rtc, offer, sections.iter().map(|(mid, _)| *mid));
        if let Some(receiving) = &mut self.receiving {
            receiving.on_offer();
        }
        self.sections = LookupMap::default();
        for (mid, _) in sections.iter().filter(|(_, direction)| *direction == Direction::Send) {
            self.start_sending(rtc, *mid);
        }
    }

    fn start_sending(&mut self, rtc: &mut Rtc, mid: Mid) {
        let name = str0m::media::Mid::from(mid.as_str());
        let Some(section) = rtc.media(name).filter(|section| section.direction().is_sending()) else { return };
        let (extensions, cname) = (ExtensionIds::of(section.remote_extmap()), section.cname().to_owned());
        let offered: Vec<u8> = section.remote_pts().iter().map(|pt| **pt).collect();
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(name, None) else { return };
        let mut outgoing = Outgoing::new(mid, *stream.ssrc(), stream.rtx().map(|ssrc| *ssrc), cname);
        outgoing.types = self.negotiated.types.iter().filter(|pt| offered.contains(&pt.media)).copied().collect();
        outgoing.extensions = extensions;
        let at = self.sending.add(outgoing);
        self.sections.insert(mid, OutgoingStream(at as u32));
    }

    pub(crate) fn outgoing(&self, mid: Mid) -> Option<OutgoingStream> {
        self.sections.get(&mid).copied()
    }

    /// Takes a datagram; `None` if it is none of media.
    pub(crate) fn receive(&mut self, datagram: &[u8], now: Time) -> Option<Received> {
        let kind = Kind::of(datagram);
        if kind == Kind::Other {
            return None;
        }
        let Some(receiving) = &mut self.receiving else { return Some(Received::Dropped) };
        let taken = if kind == Kind::Rtp {
            receiving.on_rtp(datagram, &self.negotiated, now).map(|arrived| {
                let Some(arrived) = arrived else { return };
                let stream = arrived.stream.map(|(stream, mid, rid)| TransportEvent::Stream { stream, mid, rid });
                self.events.extend(stream);
                self.events.push_back(TransportEvent::Packet(arrived.packet));
            })
        } else {
            let mut opened = [0; MOST_RECEIVED];
            receiving.open_rtcp(datagram, &mut opened).map(|len| self.on_rtcp(&opened[..len], now))
        };
        Some(match taken {
            Ok(()) => Received::Accepted,
            Err(e) => {
                tracing::trace!("media refused: {e}");
                Received::Dropped
            }
        })
    }

    fn on_rtcp(&mut self, compound: &[u8], now: Time) {
        for message in Compound::read(compound) {
            match message {
                Ok(Message::SenderReport { ssrc, info, blocks }) => {
                    if let Some(receiving) = &mut self.receiving {
                        receiving.on_sender_report(ssrc, info, now);
                    }
                    blocks.for_each(|block| self.sending.on_block(&block, now));
                }
                Ok(Message::ReceiverReport { blocks, .. }) => blocks.for_each(|block| self.sending.on_block(&block, now)),
                Ok(Message::Nack { media, lost, .. }) => {
                    let lost =
                        self.sending.stream(media).map(|stream| TransportEvent::Lost { stream, seqs: lost.take(MOST_ASKED).collect() });
                    self.events.extend(lost);
                }
                Ok(Message::Pli { media, .. }) => self.on_key_frame_request(media),
                Ok(Message::Fir { requests, .. }) => requests.for_each(|(media, _)| self.on_key_frame_request(media)),
                Ok(Message::TransportWide(feedback)) => {
                    let estimate = self.sending.on_feedback(feedback, now);
                    self.events.extend(estimate.map(TransportEvent::Estimate));
                }
                Ok(Message::Goodbye { .. } | Message::Other) => {}
                Err(e) => tracing::trace!("RTCP: {e}"),
            }
        }
    }

    fn on_key_frame_request(&mut self, ssrc: u32) {
        self.events.extend(self.sending.mid_of(ssrc).map(TransportEvent::KeyFrameRequested));
    }

    /// The payload of the packet that came last.
    pub(crate) fn payload(&self) -> &[u8] {
        self.receiving.as_ref().map_or(&[], Receiving::payload)
    }

    /// Our address and theirs, once there are keys.
    pub(crate) fn path(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.path.filter(|_| self.sending.has_keys())
    }

    pub(crate) fn seal(
        &mut self,
        stream: OutgoingStream,
        packet: &OutgoingPacket<'_>,
        purpose: Purpose,
        batch: &mut Batch,
        now: Time,
    ) -> Sealing {
        self.sending.seal(stream, packet, purpose, batch, now)
    }

    pub(crate) fn probe(&mut self, now: Time) -> Option<OutgoingStream> {
        self.sending.probe(now)
    }

    pub(crate) fn is_probing(&self) -> bool {
        self.sending.is_probing()
    }

    pub(crate) fn give_up_probe(&mut self, now: Time) {
        self.sending.give_up_probe(now);
    }

    pub(crate) fn request_key_frame(&mut self, stream: IncomingStream) {
        if !self.key_frames.contains(&stream) {
            self.key_frames.push(stream);
        }
    }

    pub(crate) fn set_wanted(&mut self, bits: u64) {
        self.sending.set_wanted(bits);
    }

    pub(crate) fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    pub(crate) fn poll_datagram(&mut self) -> Option<Datagram> {
        if !self.key_frames.is_empty() {
            let streams = std::mem::take(&mut self.key_frames);
            self.tell(|_, writer| streams.iter().try_for_each(|stream| writer.pli(OWN, stream.0)));
        }
        self.datagrams.pop_front()
    }

    /// When [`Self::tick`] is due.
    pub(crate) fn wakes_at(&self) -> Time {
        let (Some(receiving), Some(_)) = (&self.receiving, self.path) else { return Time::MAX };
        let feedback = if receiving.has_arrivals() { self.feedback_at } else { Time::MAX };
        self.reports_at.min(feedback).min(receiving.asks_at()).min(self.sending.probes_at())
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Time) {
        if now < self.wakes_at() {
            return;
        }
        if now >= self.feedback_at {
            self.feedback_at = now + FEEDBACK;
            self.tell_arrivals();
        }
        let round_trip = self.sending.round_trip();
        if self.receiving.as_ref().is_some_and(|receiving| receiving.asks_at() <= now) {
            self.tell(|media, writer| media.receiving.as_mut().map_or(Ok(()), |receiving| receiving.ask(OWN, round_trip, writer, now)));
        }
        if now >= self.reports_at {
            self.reports_at = now + REPORTS;
            self.report(now);
        }
        self.sending.begin_probe(now);
    }

    fn tell_arrivals(&mut self) {
        // One message tells of so many that this ends soon; what it does not tell waits for the next time.
        for _ in 0..4 {
            if !self.receiving.as_ref().is_some_and(Receiving::has_arrivals) {
                return;
            }
            self.tell(|media, writer| media.receiving.as_mut().map_or(Ok(()), |receiving| receiving.tell_arrivals(OWN, writer)));
        }
    }

    /// SR for each stream that we send, RR for those that we receive.
    fn report(&mut self, now: Time) {
        let blocks = self.receiving.as_mut().map(|receiving| receiving.blocks(now)).unwrap_or_default();
        let streams = &mut self.sending.streams;
        let reports: Vec<_> =
            streams.iter_mut().filter_map(|stream| Some((stream.ssrc, stream.cname.clone(), stream.report(now)?))).collect();
        // So many fit into one packet, with a name each.
        for blocks in blocks.chunks(31) {
            self.tell(|_, writer| writer.receiver_report(OWN, blocks));
        }
        for reports in reports.chunks(8) {
            self.tell(|_, writer| {
                for (ssrc, cname, report) in reports {
                    writer.sender_report(*ssrc, report, &[])?;
                    writer.description(*ssrc, cname.as_bytes())?;
                }
                Ok(())
            });
        }
    }

    /// Seals and sends what `write` writes; what has no room is not said.
    fn tell(&mut self, write: impl FnOnce(&mut Self, &mut Writer<'_>) -> Result<(), NoRoom>) {
        let Some((src, dst)) = self.path else { return };
        let mut bytes = [0; MOST_RTCP];
        let mut writer = Writer::new(&mut bytes);
        if write(self, &mut writer).is_err() {
            tracing::debug!("RTCP has no room for all");
        }
        let len = writer.len();
        if len == 0 {
            return;
        }
        let mut sealed = vec![0; len + SEALING];
        match self.sending.seal_rtcp(&bytes[..len], &mut sealed) {
            Ok(len) => {
                sealed.truncate(len);
                self.datagrams.push_back(Datagram { src, dst, bytes: sealed });
            }
            Err(e) => tracing::debug!("RTCP not sealed: {e}"),
        }
    }
}
