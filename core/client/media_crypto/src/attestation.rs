//! What a sender signs of the frames that it sealed, and how that stands inside one of them: `docs/design/004-attested-frames.md`.
//!
//! ```text
//!  what is sealed:  frame ‖ digest ‖ … ‖ digest ‖ signature ‖ how many digests   most frames:  frame ‖ 0
//! ```
//!
//! Frames of a microphone name at most 127: the highest bit of that byte says that it is off, and that the frame is made up
//! (`docs/design/005-quietness.md`).

use conclave_base::{Epoch, MemberId, SessionId, Source, known};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::kid::Kid;

/// Bytes of a [`Digest`].
const DIGEST: usize = 8;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;
/// The count of digests is one byte.
pub(crate) const MAX_DIGESTS: usize = u8::MAX as usize;
/// In the count of a microphone's frame: it is off.
const OFF: u8 = 0x80;
const LABEL: &[u8] = b"conclave/1 frames";

/// Stands for one sealed frame: SHA-256 over all of its bytes as they are sent, the first eight. Of a seal's tag it would be worth nothing: whoever has the
/// key can make another frame with the same tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; DIGEST]);

impl Digest {
    pub(crate) fn of(sealed: &[u8]) -> Self {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&Sha256::digest(sealed)[..DIGEST]);
        Self(digest)
    }
}

/// The frame that carries an attestation: a copy of the attestation is worth nothing in any other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrier<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) epoch: Epoch,
    /// Source and leaf.
    pub(crate) kid: Kid,
    /// SFrame counter: its place among the frames of this key.
    pub(crate) counter: u64,
}

impl Carrier<'_> {
    /// What is signed.
    fn message(&self, digests: &[u8]) -> Vec<u8> {
        let numbers = [self.epoch.0, self.kid.value(), self.counter].map(u64::to_be_bytes);
        [LABEL, self.session.as_bytes(), &numbers.concat(), digests].concat()
    }
}

/// The bits of the last byte that count digests.
const fn count_bits(source: Source) -> u8 {
    if matches!(source, Source::Microphone) { !OFF } else { u8::MAX }
}

/// A frame as it is to be sealed: with what `signer` says of the frames before it, or with nothing. `off`: in place of a microphone that is off.
pub(crate) fn attach(frame: &[u8], off: bool, digests: &[Digest], signer: &SigningKey, carrier: Carrier<'_>) -> Vec<u8> {
    let bits = count_bits(carrier.kid.source);
    let digests = &digests[..digests.len().min(MAX_DIGESTS).min(usize::from(bits))];
    let mut plain = Vec::with_capacity(frame.len() + 1 + if digests.is_empty() { 0 } else { digests.len() * DIGEST + SIGNATURE });
    plain.extend_from_slice(frame);
    if !digests.is_empty() {
        digests.iter().for_each(|digest| plain.extend_from_slice(&digest.0));
        let message = carrier.message(&plain[frame.len()..]);
        let signature = signer.sign(&message).to_bytes();
        known::on_signed(signer.verifying_key().as_bytes(), &message, &signature);
        plain.extend_from_slice(&signature);
    }
    let count = u8::try_from(digests.len()).unwrap_or(bits);
    plain.push(if off { count | !bits } else { count });
    plain
}

/// What was sealed, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) frame: &'a [u8],
    /// Made up, in place of a microphone that is off.
    pub(crate) off: bool,
    digests: &'a [u8],
    signature: &'a [u8],
}

/// Takes apart what [`attach`] made for this source; `None` if it was not that.
pub(crate) fn split(plain: &[u8], source: Source) -> Option<Parts<'_>> {
    let (last, rest) = plain.split_last()?;
    let (count, off) = (last & count_bits(source), last & !count_bits(source) != 0);
    let digests = usize::from(count) * DIGEST;
    let signature = if count == 0 { 0 } else { SIGNATURE };
    let (frame, rest) = rest.split_at(rest.len().checked_sub(digests + signature)?);
    let (digests, signature) = rest.split_at(digests);
    Some(Parts { frame, off, digests, signature })
}

impl Parts<'_> {
    /// The frames that the member `key` attests, if it signed them in this frame; none where nothing is attested. `None`: somebody else signed.
    pub(crate) fn verify(&self, key: &[u8; 32], carrier: Carrier<'_>) -> Option<Vec<Digest>> {
        if self.digests.is_empty() {
            return Some(Vec::new());
        }
        let signature = Signature::from_slice(self.signature).ok()?;
        let message = carrier.message(self.digests);
        let is_good = || VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(&message, &signature).is_ok());
        known::is_good(key, &message, self.signature, is_good).then_some(())?;
        Some(self.digests.as_chunks::<DIGEST>().0.iter().map(|digest| Digest(*digest)).collect())
    }
}

/// A member's leaf: its signature key, and who it is by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) identity: MemberId,
    pub(crate) key: [u8; 32],
}

impl Leaf {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { identity: MemberId::of_key(&key), key }
    }
}

#[cfg(test)]
mod tests {
    use conclave_base::{LeafIndex, Source};
    use proptest::prelude::*;

    use super::*;

    const SESSION: SessionId = SessionId::from_bytes([3; 16]);
    const OTHER: SessionId = SessionId::from_bytes([4; 16]);

    fn carrier() -> Carrier<'static> {
        let kid = Kid { source: Source::Camera, leaf: LeafIndex(7), epoch: 1 };
        Carrier { session: &SESSION, epoch: Epoch(257), kid, counter: 90 }
    }

    fn named(count: usize) -> Vec<Digest> {
        (0..count).map(|n| Digest::of(&n.to_be_bytes())).collect()
    }

    #[test]
    fn an_attestation_is_good_for_one_frame_of_one_key() {
        let signer = SigningKey::from_bytes(&[1; 32]);
        let key = signer.verifying_key().to_bytes();
        let plain = attach(b"frame", false, &named(3), &signer, carrier());
        let parts = split(&plain, Source::Camera).expect("as it was attached");
        assert_eq!((parts.frame, parts.off), (&b"frame"[..], false));
        assert_eq!(parts.verify(&key, carrier()), Some(named(3)));
        let kid = |change: fn(&mut Kid)| {
            let mut kid = carrier().kid;
            change(&mut kid);
            Carrier { kid, ..carrier() }
        };
        for elsewhere in [
            Carrier { counter: 91, ..carrier() },
            Carrier { epoch: Epoch(1), ..carrier() },
            Carrier { session: &OTHER, ..carrier() },
            kid(|kid| kid.source = Source::Screen),
            kid(|kid| kid.leaf = LeafIndex(8)),
        ] {
            assert_eq!(parts.verify(&key, elsewhere), None, "{elsewhere:?}");
        }
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes();
        assert_eq!(parts.verify(&other, carrier()), None);
    }

    #[test]
    fn one_altered_bit_is_no_attestation() {
        let signer = SigningKey::from_bytes(&[1; 32]);
        let plain = attach(b"frame", false, &named(2), &signer, carrier());
        for bit in 5 * 8..(plain.len() - 1) * 8 {
            let mut altered = plain.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let parts = split(&altered, Source::Camera).expect("its count is as it was");
            assert_eq!(parts.verify(&signer.verifying_key().to_bytes(), carrier()), None, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn frames_come_back_as_they_were(frame in prop::collection::vec(any::<u8>(), 0..100), count in 0usize..300, off: bool, sound: bool) {
            let signer = SigningKey::from_bytes(&[1; 32]);
            let source = if sound { Source::Microphone } else { Source::Camera };
            let carrier = Carrier { kid: Kid { source, ..carrier().kid }, ..carrier() };
            let plain = attach(&frame, off, &named(count), &signer, carrier);
            let parts = split(&plain, source).expect("as it was attached");
            prop_assert_eq!(parts.frame, &frame[..]);
            prop_assert_eq!(parts.off, off && sound);
            let most = if sound { 127 } else { MAX_DIGESTS };
            prop_assert_eq!(parts.verify(&signer.verifying_key().to_bytes(), carrier), Some(named(count.min(most))));
        }

        #[test]
        fn garbage_is_taken_apart_without_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
            for source in Source::ALL {
                if let Some(parts) = split(&garbage, source) {
                    let signed = parts.verify(&[9; 32], carrier());
                    prop_assert!(signed.is_none_or(|digests| digests.is_empty()));
                }
            }
        }
    }
}
