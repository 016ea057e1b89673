//! OpenMLS by itself: its own primitives, and its own store, which keeps the whole group as JSON at each epoch. To compare with.

use anyhow::{Context as _, bail};
use ed25519_dalek::{Signer as _, SigningKey};
use openmls::group::{ExternalCommitBuilder, MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY};
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, LeafNodeIndex, LeafNodeParameters, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, ProcessedMessageContent,
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use tls_codec::{DeserializeBytes as _, Serialize as _};

use crate::group::timed;

/// What the same took as is measured of ours.
#[derive(Default)]
pub(crate) struct Plain {
    pub(crate) join: Vec<f64>,
    pub(crate) rekey: Vec<f64>,
}

struct Key(SigningKey);

impl Key {
    fn new(n: usize) -> Self {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&n.to_be_bytes());
        Self(SigningKey::from_bytes(&seed))
    }

    fn credential(&self) -> CredentialWithKey {
        let key = self.0.verifying_key().to_bytes();
        CredentialWithKey { credential: BasicCredential::new(Vec::new()).into(), signature_key: key.as_slice().into() }
    }
}

impl Signer for Key {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

struct Member {
    mls: MlsGroup,
    provider: OpenMlsRustCrypto,
    key: Key,
}

impl Plain {
    pub(crate) fn measure(suite: u16, members: usize, rounds: usize) -> anyhow::Result<Self> {
        let suite = Ciphersuite::try_from(suite).context("a suite")?;
        let mut measured = Self::default();
        let (key, provider) = (Key::new(0), OpenMlsRustCrypto::default());
        let mls = MlsGroup::builder()
            .ciphersuite(suite)
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .with_capabilities(capabilities(suite))
            .build(&provider, &key, key.credential())
            .map_err(text)?;
        let mut first = Member { mls, provider, key };
        let (mut second, commit) = first.newcomer(1)?;
        first.process(&commit)?;
        for n in 2..members {
            let (_, commit) = first.newcomer(n)?;
            first.process(&commit)?;
            second.process(&commit)?;
        }
        for round in 0..rounds {
            let (_, commit) = first.newcomer(members + round)?;
            let (join, done) = timed(|| second.process(&commit));
            done?;
            measured.join.push(join);
            first.process(&commit)?;
            let guest = first.mls.members().find(|m| m.signature_key == Key::new(members + round).0.verifying_key().as_bytes());
            let leaf = guest.context("it came in")?.index;
            let (made, commit) = timed(|| first.remove(leaf));
            let commit = commit?;
            let (taken, done) = timed(|| second.process(&commit));
            done?;
            let (merged, done) = timed(|| first.mls.merge_pending_commit(&first.provider));
            done.map_err(text)?;
            // Ours merges when its commit comes back, which is not counted either.
            let _uncounted = merged;
            measured.rekey.push(made + taken);
        }
        Ok(measured)
    }
}

impl Member {
    /// Somebody comes in by external commit.
    fn newcomer(&self, n: usize) -> anyhow::Result<(Self, Vec<u8>)> {
        let info = self.mls.export_group_info(self.provider.crypto(), &self.key, true).map_err(text)?;
        let MlsMessageBodyIn::GroupInfo(info) = read(&encode(&info)?)?.extract() else { bail!("a GroupInfo") };
        let (key, provider) = (Key::new(n), OpenMlsRustCrypto::default());
        let leaf = LeafNodeParameters::builder().with_capabilities(capabilities(self.mls.ciphersuite())).build();
        let config = MlsGroupJoinConfig::builder().wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY).build();
        let (mls, bundle) = ExternalCommitBuilder::new()
            .with_config(config)
            .build_group(&provider, info, key.credential())
            .map_err(text)?
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .map_err(text)?
            .build(provider.rand(), provider.crypto(), &key, |_| true)
            .map_err(text)?
            .finalize(&provider)
            .map_err(text)?;
        let commit = encode(&bundle.into_contents().0)?;
        Ok((Self { mls, provider, key }, commit))
    }

    fn process(&mut self, commit: &[u8]) -> anyhow::Result<()> {
        let message = read(commit)?.try_into_protocol_message().map_err(text)?;
        let processed = self.mls.process_message(&self.provider, message).map_err(text)?;
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else { bail!("a commit") };
        self.mls.merge_staged_commit(&self.provider, *staged).map_err(text)
    }

    fn remove(&mut self, leaf: LeafNodeIndex) -> anyhow::Result<Vec<u8>> {
        let (commit, _, _) = self.mls.remove_members(&self.provider, &self.key, &[leaf]).map_err(text)?;
        encode(&commit)
    }
}

fn capabilities(suite: Ciphersuite) -> Capabilities {
    Capabilities::builder().ciphersuites(vec![suite]).build()
}

fn encode(message: &MlsMessageOut) -> anyhow::Result<Vec<u8>> {
    Ok(message.tls_serialize_detached()?)
}

fn read(bytes: &[u8]) -> anyhow::Result<MlsMessageIn> {
    Ok(MlsMessageIn::tls_deserialize_exact_bytes(bytes)?)
}

fn text(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
