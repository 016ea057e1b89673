//! RFC 9420 as OpenMLS does it on our primitives and our store, without the rules of docs/protocol.md: what the standard's test vectors and other
//! implementations are held against. Only for tests: no client enables it.

use conclave_base::Secret;
use openmls::framing::MlsMessageBodyIn;
use openmls::group::{MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, StagedWelcome};
use openmls::prelude::{
    Ciphersuite, KeyPackage, KeyPackageIn, KeyPackageRef, MlsMessageIn, MlsMessageOut, PreSharedKeyProposal, ProcessedMessageContent,
    Proposal, ProtocolMessage, ProtocolVersion, RatchetTreeIn,
};
use openmls::schedule::PreSharedKeyId;
use openmls_traits::OpenMlsProvider as _;
use openmls_traits::crypto::OpenMlsCrypto as _;
use openmls_traits::storage::{CURRENT_VERSION as V, Entity, StorageProvider as _, traits};
use openmls_traits::types::{AeadType, HashType, HpkeCiphertext, HpkePrivateKey, SignatureScheme};
use serde::{Deserialize, Serialize};
use tls_codec::{DeserializeBytes as _, Serialize as _, VLBytes};

use crate::codec::encode;
use crate::crypto::Crypto;
use crate::group::psk_id;
use crate::leaf::{capabilities, credential, leaf_extensions};
use crate::provider::{LeafKey, Provider};
use crate::{Group, GroupConfig, SUITE_CLASSIC};

/// The answer, or what OpenMLS has against it.
pub type Answer<T> = Result<T, String>;

/// Epochs whose resumption PSK may still be asked for.
const RESUMPTION_PSKS: usize = 16;

/// Somebody with a KeyPackage, who waits for a Welcome.
pub struct Joiner {
    provider: Provider,
    key: LeafKey,
    key_package: Vec<u8>,
}

impl Joiner {
    /// With a fresh KeyPackage whose leaf is that of a client of ours.
    pub fn new(config: &GroupConfig) -> Answer<Self> {
        let suite = classic()?;
        let provider = Provider::new(&config.seed);
        let key = LeafKey::new(&config.signer);
        let extensions = leaf_extensions(config, &key).ok_or("no leaf extensions")?;
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities(suite))
            .leaf_node_extensions(extensions)
            .build(suite, &provider, &key, credential(&key))
            .map_err(text)?;
        let key_package = encode(&MlsMessageOut::from(bundle.key_package().clone())).ok_or("not encoded")?;
        Ok(Self { provider, key, key_package })
    }

    /// With the KeyPackage (an MLSMessage) and the private keys of a test vector.
    pub fn with_keys(key_package: &[u8], signature: [u8; 32], init: &[u8], encryption: &[u8]) -> Answer<Self> {
        let provider = Provider::new(&Secret::new([0; 32]));
        let body = key_package_in(key_package)?;
        let reference = reference(&provider, &body)?;
        let stored = KeyPackageAndKeys { key_package: body, init: init.to_vec().into(), encryption: encryption.to_vec().into() };
        provider.storage().write_key_package(&reference, &stored).map_err(text)?;
        Ok(Self { provider, key: LeafKey::new(&Secret::new(signature)), key_package: key_package.to_vec() })
    }

    /// The KeyPackage, as an MLSMessage.
    pub fn key_package(&self) -> &[u8] {
        &self.key_package
    }

    /// Lets it know an external PSK.
    pub fn know_psk(&self, id: &[u8], psk: &[u8]) -> Answer<()> {
        PreSharedKeyId::external(id.to_vec(), Vec::new()).store(&self.provider, psk).map_err(text)
    }

    /// Opens the Welcome (an MLSMessage). The tree, if it is not inside. However long ago the KeyPackages of the tree expired.
    pub fn join(self, welcome: &[u8], tree: Option<&[u8]>) -> Answer<Member> {
        let MlsMessageBodyIn::Welcome(welcome) = message(welcome)?.extract() else { return Err("not a Welcome".to_owned()) };
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .number_of_resumption_psks(RESUMPTION_PSKS)
            .build();
        let mut join = StagedWelcome::build_from_welcome(&self.provider, &config, welcome).map_err(text)?.skip_lifetime_validation();
        if let Some(tree) = tree {
            join = join.with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact_bytes(tree).map_err(text)?);
        }
        let mls = join.build().map_err(text)?.into_group(&self.provider).map_err(text)?;
        if mls.own_leaf_node().is_none_or(|leaf| leaf.signature_key().as_slice() != self.key.public()) {
            return Err("another signature key than that of the own leaf".to_owned());
        }
        Ok(Member { mls, provider: self.provider, key: self.key })
    }
}

/// A member who takes whatever RFC 9420 allows.
pub struct Member {
    mls: MlsGroup,
    provider: Provider,
    key: LeafKey,
}

impl From<Group> for Member {
    fn from(group: Group) -> Self {
        Self { mls: group.mls, provider: group.provider, key: group.key }
    }
}

impl Member {
    /// Adds somebody by KeyPackage (an MLSMessage), with the session's PSK: the commit and the Welcome. It stands in the new epoch at once.
    pub fn add(&mut self, key_package: &[u8]) -> Answer<(Vec<u8>, Vec<u8>)> {
        let key_package = key_package_in(key_package)?.validate(self.provider.crypto(), ProtocolVersion::Mls10).map_err(text)?;
        let psk = psk_id(self.mls.group_id(), &self.provider, self.mls.ciphersuite()).map_err(text)?;
        let bundle = self
            .mls
            .commit_builder()
            .propose_adds([key_package])
            .add_proposal(Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(psk))))
            .load_psks(self.provider.storage())
            .map_err(text)?
            .use_ratchet_tree_extension(true)
            .build(self.provider.rand(), self.provider.crypto(), &self.key, |_| true)
            .map_err(text)?
            .stage_commit(&self.provider)
            .map_err(text)?;
        self.mls.merge_pending_commit(&self.provider).map_err(text)?;
        let welcome = bundle.to_welcome_msg().ok_or("nobody is welcome")?;
        let (commit, _, _) = bundle.into_contents();
        Ok((encode(&commit).ok_or("not encoded")?, encode(&welcome).ok_or("not encoded")?))
    }

    /// Takes a proposal, a commit or an application message (each an MLSMessage): what the latter says.
    pub fn process(&mut self, bytes: &[u8]) -> Answer<Option<Vec<u8>>> {
        let message: ProtocolMessage = message(bytes)?.try_into_protocol_message().map_err(text)?;
        let processed = self.mls.process_message(&self.provider, message).map_err(text)?;
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(message) => return Ok(Some(message.into_bytes())),
            ProcessedMessageContent::ProposalMessage(proposal) => {
                self.mls.store_pending_proposal(self.provider.storage(), *proposal).map_err(text)?;
            }
            ProcessedMessageContent::StagedCommitMessage(commit) => {
                self.mls.merge_staged_commit(&self.provider, *commit).map_err(text)?;
            }
            ProcessedMessageContent::ExternalJoinProposalMessage(_)
            | ProcessedMessageContent::OwnPrivateMessage
            | ProcessedMessageContent::OwnPendingCommit => {
                return Err("neither of the three".to_owned());
            }
        }
        Ok(None)
    }

    /// An application message, as an MLSMessage.
    pub fn application(&mut self, content: &[u8]) -> Answer<Vec<u8>> {
        let sealed = self.mls.create_message(&self.provider, &self.key, content).map_err(text)?;
        encode(&sealed).ok_or_else(|| "not encoded".to_owned())
    }

    /// The epoch authenticator (RFC 9420, 8.7).
    pub fn epoch_authenticator(&self) -> Vec<u8> {
        self.mls.epoch_authenticator().as_slice().to_vec()
    }

    /// MLS-Exporter(label, context, len) (RFC 9420, 8.5).
    pub fn export(&self, label: &str, context: &[u8], len: usize) -> Answer<Vec<u8>> {
        self.mls.export_secret(self.provider.crypto(), label, context, len).map_err(text)
    }
}

/// What OpenMLS stores for a KeyPackage of its own, in the same shape: its type has no public constructor.
#[derive(Serialize, Deserialize)]
struct KeyPackageAndKeys {
    key_package: KeyPackageIn,
    init: HpkePrivateKey,
    encryption: HpkePrivateKey,
}

impl Entity<V> for KeyPackageAndKeys {}
impl traits::KeyPackage<V> for KeyPackageAndKeys {}

/// The primitives of suite 0x0001, as OpenMLS calls them.
pub struct Primitives(Crypto);

impl Primitives {
    /// With all randomness from this seed.
    pub fn new(seed: &Secret<32>) -> Self {
        Self(Crypto::new(seed))
    }

    /// SHA-256.
    pub fn hash(&self, data: &[u8]) -> Answer<Vec<u8>> {
        self.0.hash(HashType::Sha2_256, data).map_err(text)
    }

    /// HMAC.
    pub fn mac(&self, key: &[u8], data: &[u8]) -> Answer<Vec<u8>> {
        self.0.hmac(HashType::Sha2_256, key, data).map(|mac| mac.as_slice().to_vec()).map_err(text)
    }

    /// HKDF-Extract.
    pub fn extract(&self, salt: &[u8], ikm: &[u8]) -> Answer<Vec<u8>> {
        self.0.hkdf_extract(HashType::Sha2_256, salt, ikm).map(|prk| prk.as_slice().to_vec()).map_err(text)
    }

    /// HKDF-Expand.
    pub fn expand(&self, prk: &[u8], info: &[u8], len: usize) -> Answer<Vec<u8>> {
        self.0.hkdf_expand(HashType::Sha2_256, prk, info, len).map(|okm| okm.as_slice().to_vec()).map_err(text)
    }

    /// A signature.
    pub fn sign(&self, private: &[u8], data: &[u8]) -> Answer<Vec<u8>> {
        self.0.sign(SignatureScheme::ED25519, data, private).map_err(text)
    }

    /// Whether the signature is that key's.
    pub fn verify(&self, public: &[u8], data: &[u8], signature: &[u8]) -> Answer<()> {
        self.0.verify_signature(SignatureScheme::ED25519, data, public, signature).map_err(text)
    }

    /// AES-128-GCM.
    pub fn aead_open(&self, key: &[u8], nonce: &[u8], sealed: &[u8]) -> Answer<Vec<u8>> {
        self.0.aead_decrypt(AeadType::Aes128Gcm, key, sealed, nonce, b"").map_err(text)
    }

    /// HPKE's key pair of this keying material: private and public.
    pub fn key_pair(&self, ikm: &[u8]) -> Answer<(Vec<u8>, Vec<u8>)> {
        let pair = self.0.derive_hpke_keypair(classic()?.hpke_config(), ikm).map_err(text)?;
        Ok((pair.private.to_vec(), pair.public))
    }

    /// HPKE to this public key: what the KEM gives, and the ciphertext.
    pub fn seal(&self, public: &[u8], info: &[u8], plain: &[u8]) -> Answer<(Vec<u8>, Vec<u8>)> {
        let sealed = self.0.hpke_seal(classic()?.hpke_config(), public, info, b"", plain).map_err(text)?;
        Ok((sealed.kem_output.into(), sealed.ciphertext.into()))
    }

    /// The other side of [`Self::seal`].
    pub fn open(&self, private: &[u8], info: &[u8], kem_output: &[u8], ciphertext: &[u8]) -> Answer<Vec<u8>> {
        let input = HpkeCiphertext { kem_output: kem_output.into(), ciphertext: ciphertext.into() };
        self.0.hpke_open(classic()?.hpke_config(), &input, private, info, b"").map_err(text)
    }
}

fn classic() -> Answer<Ciphersuite> {
    Ciphersuite::try_from(SUITE_CLASSIC).map_err(text)
}

fn message(bytes: &[u8]) -> Answer<MlsMessageIn> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(text)
}

fn key_package_in(bytes: &[u8]) -> Answer<KeyPackageIn> {
    match message(bytes)?.extract() {
        MlsMessageBodyIn::KeyPackage(key_package) => Ok(key_package),
        MlsMessageBodyIn::PublicMessage(_)
        | MlsMessageBodyIn::PrivateMessage(_)
        | MlsMessageBodyIn::Welcome(_)
        | MlsMessageBodyIn::GroupInfo(_) => Err("not a KeyPackage".to_owned()),
    }
}

/// MakeKeyPackageRef (RFC 9420, 5.2).
fn reference(provider: &Provider, key_package: &KeyPackageIn) -> Answer<KeyPackageRef> {
    let vector = |bytes: &[u8]| VLBytes::from(bytes).tls_serialize_detached().map_err(text);
    let value = key_package.tls_serialize_detached().map_err(text)?;
    let input = [vector(b"MLS 1.0 KeyPackage Reference")?, vector(&value)?].concat();
    let hash = provider.crypto().hash(HashType::Sha2_256, &input).map_err(text)?;
    KeyPackageRef::tls_deserialize_exact_bytes(&vector(&hash)?).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
