//! A [`Transport`] without network: a datagram *is* what a real one would find in it, written as text.

use std::collections::VecDeque;
use std::net::SocketAddr;

use conclave_base::{Codec, Time};
use conclave_sfu::{
    Batch, Channel, DescriptionRefused, Direction, IncomingStream, MediaKind, Mid, Offer, OutgoingPacket, OutgoingStream, Packet, Purpose,
    Received, Sealing, SendRefused, Transport, TransportEvent, TransportOutput,
};

/// A binding request (RFC 8489) for the connection with this ufrag.
pub(crate) fn stun(ufrag: &str) -> Vec<u8> {
    let username = format!("{ufrag}:x");
    let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([0; 12]);
    stun.extend([0, 6, 0, username.len() as u8]);
    stun.extend(username.as_bytes());
    stun
}

pub(crate) struct Fake {
    ufrag: String,
    peer: Option<SocketAddr>,
    out: VecDeque<TransportOutput>,
}

impl Transport for Fake {
    type Config = ();

    fn open((): &(), _: Time) -> Self {
        Self { ufrag: "none".into(), peer: None, out: VecDeque::new() }
    }

    /// The first line names the ufrag to take on.
    fn accept(&mut self, offer: &str, sections: &[(Mid, Direction)], _: Time) -> Result<String, DescriptionRefused> {
        if offer.starts_with("bad") {
            return Err(DescriptionRefused::NotUnderstood("bad".into()));
        }
        if let Some(ufrag) = offer.lines().next().and_then(|l| l.strip_prefix("ufrag:")) {
            self.ufrag = ufrag.into();
        }
        for (mid, direction) in sections {
            if *direction == Direction::Receive {
                let stream = IncomingStream(mid.as_str().parse().expect("mids are numbers here"));
                self.out.push_back(TransportOutput::Event(TransportEvent::Stream { stream, mid: *mid, rid: None }));
            }
        }
        Ok(sections.iter().map(|(mid, _)| format!("m=audio 9 x\r\na=mid:{}\r\n", mid.as_str())).collect())
    }

    fn offer(&mut self, sections: &[(MediaKind, Direction)], _: bool, _: Time) -> Result<Option<Offer>, DescriptionRefused> {
        let mids: Vec<Mid> = (0..sections.len()).map(|at| Mid::new(&at.to_string()).expect("a mid")).collect();
        let sdp = mids.iter().map(|mid| format!("m=audio 9 x\r\na=mid:{}\r\n", mid.as_str())).collect();
        Ok(Some(Offer { sdp, mids }))
    }

    fn accept_answer(&mut self, answer: &str, now: Time) -> Result<(), DescriptionRefused> {
        self.accept(answer, &[], now).map(|_| ())
    }

    fn ufrag(&self) -> &str {
        &self.ufrag
    }

    fn add_candidate(&mut self, _: &str) {}

    fn receive(&mut self, src: SocketAddr, _: SocketAddr, datagram: &[u8], now: Time) -> Received {
        if datagram.first() == Some(&0) {
            self.peer = Some(src);
            return Received::Authenticated;
        }
        let text = std::str::from_utf8(datagram).expect("text");
        let words: Vec<&str> = text.split(' ').collect();
        let event = match words[0] {
            "rtp" => TransportEvent::Packet(Packet {
                stream: IncomingStream(words[1].parse().expect("a number")),
                codec: Codec::Opus,
                seq: words[2].parse().expect("a number"),
                time: 0,
                recorded: now,
                marker: true,
            }),
            "down" => TransportEvent::Disconnected,
            _ => return Received::Dropped,
        };
        self.out.push_back(TransportOutput::Event(event));
        Received::Accepted
    }

    fn tick(&mut self, _: Time) {}

    fn poll(&mut self) -> TransportOutput {
        self.out.pop_front().unwrap_or(TransportOutput::Idle(Time::MAX))
    }

    fn outgoing(&self, mid: Mid) -> Option<OutgoingStream> {
        mid.as_str().parse().ok().map(OutgoingStream)
    }

    fn payload(&self) -> &[u8] {
        &[0xaa]
    }

    fn path(&self) -> Option<(SocketAddr, SocketAddr)> {
        Some((SocketAddr::from(([10, 0, 0, 1], 7882)), self.peer?))
    }

    fn seal(&mut self, stream: OutgoingStream, packet: &OutgoingPacket<'_>, _: Purpose, batch: &mut Batch, _: Time) -> Sealing {
        let text = format!("rtp {} {}", stream.0, packet.seq);
        if !batch.takes(text.len()) {
            return Sealing::Later;
        }
        batch.space(text.len()).copy_from_slice(text.as_bytes());
        batch.push(text.len());
        Sealing::Sealed
    }

    fn probe(&mut self, _: Time) -> Option<OutgoingStream> {
        None
    }

    fn is_probing(&self) -> bool {
        false
    }

    fn give_up_probe(&mut self, _: Time) {}

    fn request_key_frame(&mut self, _: IncomingStream) {}

    fn send(&mut self, _: Channel, _: &[u8]) -> Result<(), SendRefused> {
        Ok(())
    }

    fn set_desired_rate(&mut self, _: u64) {}

    fn close(&mut self) {}
}
