//! A frame is given the key id of another member, who could have made it: docs/security/key_commitment.md.

use conclave_base::{Codec, Epoch, LeafIndex, MemberId, Secret, SessionId, Source, Time};
use conclave_media_crypto::{EpochKeys, OpenError, SFrameContext, Track};
use ed25519_dalek::SigningKey;

const ALICE: LeafIndex = LeafIndex(1);
const MALLORY: LeafIndex = LeafIndex(2);
const BOB: LeafIndex = LeafIndex(3);

fn signer(leaf: LeafIndex) -> SigningKey {
    SigningKey::from_bytes(&[leaf.0 as u8; 32])
}

fn key(leaf: LeafIndex) -> [u8; 32] {
    signer(leaf).verifying_key().to_bytes()
}

fn identity(leaf: LeafIndex) -> MemberId {
    MemberId::of_key(&key(leaf))
}

fn member(me: LeafIndex) -> anyhow::Result<SFrameContext> {
    let mut context = SFrameContext::new();
    let keys = EpochKeys {
        epoch: Epoch(1),
        base_key: Secret::new([5; 32]),
        session: SessionId::from_bytes([6; 16]),
        members: [ALICE, MALLORY, BOB].map(|leaf| (leaf, key(leaf))).into(),
        silenced: [].into(),
        me,
        signer: Secret::new(signer(me).to_bytes()),
    };
    context.add_epoch(keys, Time::ZERO)?;
    context.seal_with(Epoch(1))?;
    Ok(context)
}

#[test]
fn a_frame_opens_under_the_key_that_its_id_named_when_it_was_sealed_and_no_other() -> anyhow::Result<()> {
    let (mut alice, mut bob) = (member(ALICE)?, member(BOB)?);
    let mut open =
        |owner, frame: &[u8]| bob.open(Track { owner: identity(owner), source: Source::Microphone }, Codec::Opus, frame, Time::ZERO);
    let sealed = alice.seal(Source::Microphone, Codec::Opus, b"I agree", Time::ZERO)?;
    // One byte of configuration; then the key id: leaf, epoch.
    assert_eq!(sealed[1..3], [1, 1], "{sealed:?}");
    let mut renamed = sealed.clone();
    renamed[1] = 2;
    // The id is covered by the tag; and a track of Alice's is not played with Mallory's key, nor the other way round.
    assert_eq!(open(MALLORY, &renamed), Err(OpenError::AuthenticationFailed));
    assert_eq!(open(ALICE, &renamed), Err(OpenError::WrongSender));
    assert_eq!(open(MALLORY, &sealed), Err(OpenError::WrongSender));
    assert_eq!(open(ALICE, &sealed), Ok(b"I agree".to_vec()));
    Ok(())
}
