//! A connection of str0m with media, and whether str0m sends any of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conclave_base::{InstantOrigin, Time};
use conclave_rtp::Kind;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc};

use super::*;

const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 7882);
const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 2], 4000);

struct World {
    server: Rtc,
    client: Rtc,
    tap: Tap,
    mid: Mid,
    now: Instant,
    /// SRTP and SRTCP that the server sent.
    media: usize,
    /// Where str0m says that it sends.
    path: Option<(SocketAddr, SocketAddr)>,
}

impl World {
    fn with(provider: CryptoProvider) -> Self {
        let now = InstantOrigin::starting(Time::ZERO).instant(Time::ZERO);
        let mut server = Rtc::builder().set_rtp_mode(true).set_ice_lite(true).set_crypto_provider(Arc::new(provider)).build(now);
        let tap = Tap::of_the_last_one();
        let mut client = Rtc::builder().set_rtp_mode(true).build(now);
        server.add_local_candidate(Candidate::host(SERVER.into(), "udp").expect("an address"));
        client.add_local_candidate(Candidate::host(CLIENT.into(), "udp").expect("an address"));
        let mut api = client.sdp_api();
        let mid = api.add_media(MediaKind::Video, Direction::SendRecv, None, None, None);
        let (offer, pending) = api.apply().expect("something to offer");
        let answer = server.sdp_api().accept_offer(offer).expect("an answer");
        client.sdp_api().accept_answer(pending, answer).expect("it fits");
        Self { server, client, tap, mid, now, media: 0, path: None }
    }

    /// Both send a packet each 10 ms.
    fn run(&mut self, steps: u64) {
        for step in 0..steps {
            self.now += Duration::from_millis(10);
            for rtc in [&mut self.server, &mut self.client] {
                let pt = rtc.codec_config().find(|p| p.spec().codec.is_video()).expect("a codec").pt();
                if let Some(stream) = rtc.direct_api().stream_tx_by_mid(self.mid, None) {
                    stream.write_rtp(RtpWrite::new(pt, step.into(), step as u32 * 900, self.now, vec![0x90; 500]));
                }
                rtc.handle_input(Input::Timeout(self.now)).expect("alive");
            }
            while let Some((is_server, bytes)) = self.sent() {
                let (to, from, at) = if is_server { (&mut self.client, SERVER, CLIENT) } else { (&mut self.server, CLIENT, SERVER) };
                let receive = Receive::new(Protocol::Udp, from.into(), at.into(), &bytes).expect("a datagram");
                to.handle_input(Input::Receive(self.now, receive)).expect("alive");
            }
        }
    }

    fn sent(&mut self) -> Option<(bool, Vec<u8>)> {
        for is_server in [true, false] {
            let rtc = if is_server { &mut self.server } else { &mut self.client };
            loop {
                match rtc.poll_output().expect("alive") {
                    Output::Transmit(transmit) if transmit.contents[..] == WHERE => {
                        self.path = Some((transmit.source, transmit.destination))
                    }
                    Output::Transmit(transmit) => {
                        self.media += usize::from(is_server && Kind::of(&transmit.contents) != Kind::Other);
                        return Some((is_server, transmit.contents.to_vec()));
                    }
                    Output::Event(_) => {}
                    Output::Timeout(_) => break,
                }
            }
        }
        None
    }
}

#[test]
fn without_keys_str0m_sends_no_media() {
    let mut usual = World::with(str0m::crypto::from_feature_flags());
    usual.run(500);
    assert!(usual.server.is_connected() && usual.media > 100, "{} packets: this test would see nothing", usual.media);

    let mut tapped = World::with(provider());
    tapped.run(500);
    assert_eq!(tapped.media, 0);
    let (keys, role) = tapped.tap.keys().expect("DTLS agreed on keys");
    assert_eq!(role, Role::Server);
    assert!(keys.into_keys(role).is_ok());
    assert!(tapped.tap.keys().is_none(), "they are given once");
}

#[test]
fn str0m_tells_where_it_sends() {
    let mut world = World::with(provider());
    world.run(500);
    assert_eq!(world.path, None, "nobody asked");
    world.tap.ask_where();
    world.run(1);
    assert_eq!(world.path, Some((SERVER.into(), CLIENT.into())));
}
