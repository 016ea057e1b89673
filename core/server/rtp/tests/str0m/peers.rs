//! Two connected peers of str0m, with SRTP keys that we know.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::{CryptoProvider, DtlsCert, KeyingMaterial};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile};
use str0m::crypto::{CryptoError, from_feature_flags};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

use conclave_base::{InstantOrigin, Time};
use conclave_rtp::{Kind, Opener, Profile, Role, Sealer};

/// What both sides take as exported, whatever DTLS agreed on.
fn exported(profile: Profile) -> Vec<u8> {
    (0..).map(|byte: u8| byte.wrapping_mul(37) ^ 0x5a).take(profile.keying_len()).collect()
}

/// Our own half in the place of one of str0m's peers.
pub(crate) fn keys(profile: Profile, role: Role) -> (Opener, Sealer) {
    conclave_rtp::KeyingMaterial::new(profile, &exported(profile)).expect("its length").into_keys(role).expect("keys")
}

/// str0m's DTLS, but for the keys that it exports.
#[derive(Debug)]
struct Tap {
    inner: &'static dyn DtlsProvider,
    profile: Profile,
}

impl DtlsProvider for Tap {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(TapInstance { inner: self.inner.new_dtls(cert, now, version, mtu)?, profile: self.profile }))
    }
}

#[derive(Debug)]
struct TapInstance {
    inner: Box<dyn DtlsInstance>,
    profile: Profile,
}

impl DtlsInstance for TapInstance {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is goes through")]
    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match self.inner.poll_output(buf) {
            DtlsOutput::KeyingMaterial(..) => {
                let profile = match self.profile {
                    Profile::AeadAes128Gcm => SrtpProfile::AEAD_AES_128_GCM,
                    Profile::AeadAes256Gcm => SrtpProfile::AEAD_AES_256_GCM,
                };
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(&exported(self.profile)), profile)
            }
            other => other,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

/// One of the two.
pub(crate) struct Peer {
    pub(crate) rtc: Rtc,
    address: SocketAddr,
    other: SocketAddr,
    /// SRTP and SRTCP that it sent, in order.
    pub(crate) sent: Vec<Vec<u8>>,
    /// STUN and DTLS.
    control: Vec<Vec<u8>>,
    pub(crate) events: Vec<Event>,
    due: Instant,
}

impl Peer {
    fn new((profile, raw): (Profile, bool), now: Instant, address: SocketAddr, other: SocketAddr) -> Self {
        let mut crypto: CryptoProvider = from_feature_flags();
        // As long as the test: a provider has to live for ever.
        crypto.dtls_provider = Box::leak(Box::new(Tap { inner: crypto.dtls_provider, profile }));
        let mut rtc = Rtc::builder().set_rtp_mode(true).enable_raw_packets(raw).set_crypto_provider(Arc::new(crypto)).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a candidate"));
        rtc.add_remote_candidate(Candidate::host(other, "udp").expect("a candidate"));
        Self { rtc, address, other, sent: Vec::new(), control: Vec::new(), events: Vec::new(), due: now }
    }

    /// Drains it.
    pub(crate) fn poll(&mut self) {
        loop {
            match self.rtc.poll_output().expect("a live connection") {
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Transmit(transmit) => {
                    let bytes = transmit.contents.to_vec();
                    if Kind::of(&bytes) == Kind::Other { &mut self.control } else { &mut self.sent }.push(bytes);
                }
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    pub(crate) fn receive(&mut self, datagram: &[u8], now: Instant) {
        let contents = datagram.try_into().expect("a datagram of WebRTC");
        let receive = Receive { proto: Protocol::Udp, source: self.other, destination: self.address, contents };
        self.rtc.handle_input(Input::Receive(now, receive)).expect("a live connection");
        self.poll();
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).expect("a live connection");
        self.poll();
    }
}

/// The left one is DTLS's client. Time is theirs alone.
pub(crate) struct Pair {
    pub(crate) left: Peer,
    pub(crate) right: Peer,
    pub(crate) now: Instant,
}

impl Pair {
    /// `raw`: events tell each packet as it is before sealing, at a price.
    pub(crate) fn connected(profile: Profile, raw: bool) -> Self {
        let now = InstantOrigin::starting(Time::ZERO).instant(Time::ZERO);
        let (l, r) = (SocketAddr::from(([10, 0, 0, 1], 1000)), SocketAddr::from(([10, 0, 0, 2], 2000)));
        let mut pair = Self { left: Peer::new((profile, raw), now, l, r), right: Peer::new((profile, raw), now, r, l), now };
        let (left, right) = (&mut pair.left.rtc, &mut pair.right.rtc);
        let fingerprint = left.direct_api().local_dtls_fingerprint().clone();
        right.direct_api().set_remote_fingerprint(fingerprint);
        let fingerprint = right.direct_api().local_dtls_fingerprint().clone();
        left.direct_api().set_remote_fingerprint(fingerprint);
        let (credentials, others) = (left.direct_api().local_ice_credentials(), right.direct_api().local_ice_credentials());
        left.direct_api().set_remote_ice_credentials(others);
        right.direct_api().set_remote_ice_credentials(credentials);
        left.direct_api().set_ice_controlling(true);
        right.direct_api().set_ice_controlling(false);
        left.direct_api().start_dtls(true).expect("dtls");
        right.direct_api().start_dtls(false).expect("dtls");
        for _ in 0..2_000 {
            if pair.left.rtc.is_connected() && pair.right.rtc.is_connected() {
                return pair;
            }
            pair.step(Duration::from_millis(5));
        }
        panic!("the peers do not connect");
    }

    /// A moment later. What is not SRTP or SRTCP goes across; that is left to the test.
    pub(crate) fn step(&mut self, later: Duration) {
        self.now += later;
        self.left.tick(self.now);
        self.right.tick(self.now);
        for datagram in std::mem::take(&mut self.left.control) {
            self.right.receive(&datagram, self.now);
        }
        for datagram in std::mem::take(&mut self.right.control) {
            self.left.receive(&datagram, self.now);
        }
    }
}
