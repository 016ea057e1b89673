//! Takes the media keys out of DTLS before str0m sees them: whoever else had them could seal, and two who seal under one key repeat each other's
//! nonces. It also asks str0m where ICE sends to, which str0m tells of datagrams only.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conclave_rtp::{KeyingMaterial, Profile, Role};
use str0m::crypto::dtls::{DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile};
use str0m::crypto::{CryptoError, CryptoProvider};

/// The datagram that asks where ICE sends to. It is nobody's: STUN, DTLS and RTP begin with other bytes (RFC 7983). It never leaves the process.
pub(crate) const WHERE: [u8; 1] = [255];

/// str0m's own cryptography, with a tap on its DTLS.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider { dtls_provider: &Tapped, ..str0m::crypto::from_feature_flags() }
}

thread_local! {
    /// A provider lives as long as the process and belongs to nobody: this hands the tap of the connection that is being made to its owner.
    static MADE: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// The owner's end of one connection's tap.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tap(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    caught: Caught,
    asked: bool,
}

#[derive(Debug, Default)]
enum Caught {
    #[default]
    Nothing,
    Keys(KeyingMaterial, Role),
    /// They were handed over, or cannot be used; no others are.
    Over,
}

impl Tap {
    /// Of the connection that this thread made last.
    pub(crate) fn of_the_last_one() -> Self {
        MADE.take().unwrap_or_default()
    }

    /// The keys that DTLS agreed on; given once.
    pub(crate) fn keys(&self) -> Option<(KeyingMaterial, Role)> {
        self.with(|state| match std::mem::replace(&mut state.caught, Caught::Over) {
            Caught::Keys(keys, role) => Some((keys, role)),
            Caught::Nothing | Caught::Over => None,
        })
    }

    /// Has str0m send [`WHERE`] to where it sends.
    pub(crate) fn ask_where(&self) {
        self.with(|state| state.asked = true);
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive, and we know two ciphers")]
    fn catch(&self, exported: &[u8], profile: SrtpProfile, role: Role) {
        let profile = match profile {
            SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
            SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
            _ => None,
        };
        let keys = profile.and_then(|profile| KeyingMaterial::new(profile, exported).ok());
        self.with(|state| {
            state.caught = match (&state.caught, keys) {
                (Caught::Nothing, Some(keys)) => Caught::Keys(keys, role),
                _ => Caught::Over,
            };
        });
    }
}

#[derive(Debug)]
struct Tapped;

impl DtlsProvider for Tapped {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = str0m::crypto::from_feature_flags().dtls_provider.new_dtls(cert, now, version, mtu)?;
        let tap = Tap::default();
        MADE.set(Some(tap.clone()));
        Ok(Box::new(Instance { inner, tap, now }))
    }
}

#[derive(Debug)]
struct Instance {
    inner: Box<dyn DtlsInstance>,
    tap: Tap,
    now: Instant,
}

impl DtlsInstance for Instance {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive, and whatever else there is goes through")]
    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if buf.len() >= WHERE.len() && self.tap.with(|state| std::mem::take(&mut state.asked)) {
            let (out, _) = buf.split_at_mut(WHERE.len());
            out.copy_from_slice(&WHERE);
            return DtlsOutput::Packet(out);
        }
        let role = if self.inner.is_active() { Role::Client } else { Role::Server };
        match self.inner.poll_output(buf) {
            DtlsOutput::KeyingMaterial(exported, profile) => {
                self.tap.catch(&exported, profile, role);
                // Whatever follows is polled for at once.
                DtlsOutput::Timeout(self.now)
            }
            other => other,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        self.inner.handle_timeout(now)
    }

    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
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

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests;
