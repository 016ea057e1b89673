//! A member of a session by mls-rs, an implementation of RFC 9420 that is independent of OpenMLS. What docs/protocol.md asks beyond the standard is
//! written here anew, but for the payloads, which are those of core/shared/protocol: where our extensions stand, the PSK's name, the padding.

use anyhow::{Context as _, Result, bail, ensure};
use conclave_base::{Door, MeetingId, Redacted, SessionId};
use conclave_mls::Outgoing;
use conclave_protocol::payload::{Access, App, CommitEntry, Floor, GroupPolicy, LeafInfo, Permitted, Policy};
use conclave_protocol::ws::Class;
use mls_rs::client_builder::{BaseConfig, PaddingMode, WithCryptoProvider, WithIdentityProvider, WithMlsRules};
use mls_rs::crypto::{SignaturePublicKey, SignatureSecretKey};
use mls_rs::extension::ExtensionType;
use mls_rs::extension::built_in::RequiredCapabilitiesExt;
use mls_rs::group::{CommitEffect, ReceivedMessage};
use mls_rs::identity::basic::BasicCredential;
use mls_rs::identity::{CredentialType, SigningIdentity};
use mls_rs::mls_rs_codec::MlsEncode as _;
use mls_rs::mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions};
use mls_rs::psk::{ExternalPskId, PreSharedKey};
use mls_rs::time::MlsTime;
use mls_rs::{
    CipherSuite, CipherSuiteProvider as _, Client, CryptoProvider as _, Extension, ExtensionList, Group, IdentityProvider, MlsMessage,
};
use mls_rs_core::identity::MemberValidationContext;
use mls_rs_crypto_rustcrypto::RustCryptoProvider;

type Config = WithIdentityProvider<ByKey, WithCryptoProvider<RustCryptoProvider, WithMlsRules<DefaultMlsRules, BaseConfig>>>;

/// GroupContext extension with the policy.
const POLICY: ExtensionType = ExtensionType::new(0xF0C0);
/// LeafNode extension with the name.
const LEAF_INFO: ExtensionType = ExtensionType::new(0xF0C1);
/// Smallest padded application message.
const SMALLEST: usize = 256;

/// Who is not in a group yet.
pub struct Newcomer {
    client: Client<Config>,
    leaf: ExtensionList,
}

impl Newcomer {
    /// Somebody of this name, with fresh keys.
    pub fn new(name: &str) -> Result<Self> {
        let (private, public) = suite()?.signature_key_generate()?;
        Ok(Self { client: client(private, public), leaf: leaf(name)? })
    }

    /// Lets it know the PSK of the session of this group.
    pub fn know_psk(&self, group: &[u8], psk: &[u8; 32]) {
        self.client.secret_store().insert(session_psk(group), PreSharedKey::new(psk.to_vec()));
    }

    /// A fresh KeyPackage, as an MLSMessage.
    pub fn key_package(&self) -> Result<Vec<u8>> {
        Ok(self.client.generate_key_package_message(ExtensionList::new(), self.leaf.clone(), None)?.to_bytes()?)
    }

    /// Comes in by Welcome (an MLSMessage), which has the tree inside.
    pub fn open_welcome(self, welcome: &[u8]) -> Result<Member> {
        let (group, _) = self.client.join_group(None, &MlsMessage::from_bytes(welcome)?, None)?;
        Ok(Member { group, own: None })
    }

    /// Founds a session: the entry that does.
    pub fn found(self, meeting: &MeetingId, session: &SessionId, policy: &Policy, psk: &[u8; 32]) -> Result<(Member, Outgoing)> {
        let types = vec![POLICY, LEAF_INFO];
        let required = RequiredCapabilitiesExt { extensions: types, proposals: Vec::new(), credentials: vec![CredentialType::BASIC] };
        let mut context = ExtensionList::new();
        context.set_from(required)?;
        let everybody = || Permitted { everybody: true, except: Vec::new() };
        let floor = Floor { speak: everybody(), chat: everybody(), share: everybody(), mute_above: None, limit: policy.limit };
        let access = Access { order: 0, door: Door::Open, admitted: Vec::new(), barred: Vec::new(), appointed: Vec::new(), floor };
        let policy = GroupPolicy { policy: policy.clone(), access, order: None };
        context.set(Extension::new(POLICY, policy.encode()));
        let id = [*meeting.as_bytes(), *session.as_bytes()].concat();
        self.know_psk(&id, psk);
        let group = self.client.create_group_with_id(id, context, self.leaf, None)?;
        let entry = snapshot(&group, Class::Commit)?;
        Ok((Member { group, own: Some(Own { bytes: entry.bytes.clone(), seen: Seen::Epoch, commit: false }) }, entry))
    }

    /// Comes in by external commit from a founding entry or a snapshot, with the session's PSK: the entry to append.
    pub fn enter(self, snapshot: &Outgoing, psk: &[u8; 32]) -> Result<(Member, Outgoing)> {
        let info = MlsMessage::from_bytes(&CommitEntry::decode(&snapshot.bytes)?.group_info)?;
        let context = info.as_group_info().context("no GroupInfo")?.group_context();
        let (id, before) = (context.group_id.clone(), context.mls_encode_to_vec()?);
        self.know_psk(&id, psk);
        let key = suite()?.mac(psk, b"conclave/1 newcomer")?;
        let newcomer = self.client.signing_identity()?.0.signature_key.as_bytes();
        let proof = suite()?.mac(&key, &[&before, newcomer].concat())?;
        self.enter_with(info, Some(session_psk(&id)), proof)
    }

    /// The same, but without a PSK.
    pub fn enter_without_psk(self, snapshot: &Outgoing) -> Result<(Member, Outgoing)> {
        self.enter_with(MlsMessage::from_bytes(&CommitEntry::decode(&snapshot.bytes)?.group_info)?, None, Vec::new())
    }

    fn enter_with(self, info: MlsMessage, psk: Option<ExternalPskId>, proof: Vec<u8>) -> Result<(Member, Outgoing)> {
        let builder = self.client.external_commit_builder()?.with_leaf_node_extensions(self.leaf).with_authenticated_data(proof);
        let (group, commit) = psk.into_iter().fold(builder, |builder, psk| builder.with_external_psk(psk)).build(info)?;
        let entry = entry(&commit, &group.group_info_message_allowing_ext_commit(false)?)?;
        Ok((Member { group, own: Some(Own { bytes: entry.bytes.clone(), seen: Seen::Epoch, commit: false }) }, entry))
    }
}

/// A member by mls-rs.
pub struct Member {
    group: Group<Config>,
    /// What it sent and waits for.
    own: Option<Own>,
}

/// An own entry on its way.
struct Own {
    bytes: Vec<u8>,
    seen: Seen,
    /// Whether it begins an epoch in which the group does not stand yet.
    commit: bool,
}

/// What an entry was.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// A new epoch.
    Epoch,
    /// The end of this membership.
    Removed,
    /// Somebody asked for something.
    Proposal,
    /// An application message.
    App {
        /// By whose leaf.
        from: u32,
        /// What.
        app: App,
    },
}

impl Member {
    /// Takes the next entry, own ones too.
    pub fn process(&mut self, entry: &Outgoing) -> Result<Seen> {
        if let Some(own) = self.own.take_if(|own| own.bytes == entry.bytes) {
            if own.commit {
                self.group.apply_pending_commit()?;
            }
            return Ok(own.seen);
        }
        let message = match entry.class {
            Class::Commit => CommitEntry::decode(&entry.bytes)?.commit.context("a commit")?.into_vec(),
            Class::Proposal | Class::Message => entry.bytes.clone(),
            Class::JoinRequest | Class::Welcome | Class::Snapshot | Class::Gone => bail!("not for a member"),
        };
        self.open(&message)
    }

    /// Takes an MLSMessage.
    pub fn open(&mut self, message: &[u8]) -> Result<Seen> {
        let message = self.group.process_incoming_message(MlsMessage::from_bytes(message)?)?;
        match message {
            ReceivedMessage::Commit(commit) => match commit.effect {
                CommitEffect::NewEpoch(_) => Ok(Seen::Epoch),
                CommitEffect::Removed { .. } => Ok(Seen::Removed),
                CommitEffect::ReInit(_) => bail!("the group ended"),
            },
            ReceivedMessage::Proposal(_) => Ok(Seen::Proposal),
            ReceivedMessage::ApplicationMessage(message) => {
                Ok(Seen::App { from: message.sender_index, app: App::decode(unpad(message.data())?)? })
            }
            ReceivedMessage::GroupInfo(_) | ReceivedMessage::Welcome | ReceivedMessage::KeyPackage(_) => bail!("not for a member"),
        }
    }

    /// Commits fresh keys, the removal of these leaves, and what was asked for.
    pub fn commit(&mut self, removed: &[u32]) -> Result<Outgoing> {
        let builder = removed.iter().try_fold(self.group.commit_builder(), |builder, leaf| builder.remove_member(*leaf))?;
        let output = builder.build()?;
        let info = output.external_commit_group_info().context("it was asked for")?;
        let entry = entry(output.commit_message(), info)?;
        self.own = Some(Own { bytes: entry.bytes.clone(), seen: Seen::Epoch, commit: true });
        Ok(entry)
    }

    /// The own commit was not taken.
    pub fn discard_pending(&mut self) {
        self.group.clear_pending_commit();
        self.own = None;
    }

    /// Asks to be removed.
    pub fn leave(&mut self) -> Result<Outgoing> {
        let bytes = self.group.propose_remove(self.leaf(), Vec::new())?.to_bytes()?;
        self.own = Some(Own { bytes: bytes.clone(), seen: Seen::Proposal, commit: false });
        Ok(Outgoing { class: Class::Proposal, bytes })
    }

    /// An application message.
    pub fn application(&mut self, app: &App) -> Result<Outgoing> {
        let bytes = self.group.encrypt_application_message(&pad(app.encode()), Vec::new())?.to_bytes()?;
        Ok(Outgoing { class: Class::Message, bytes })
    }

    /// Adds somebody by KeyPackage (an MLSMessage), with the session's PSK: the commit and the Welcome. It stands in the new epoch at once.
    pub fn add(&mut self, key_package: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let psk = session_psk(self.group.group_id());
        let builder = self.group.commit_builder().add_member(MlsMessage::from_bytes(key_package)?)?;
        let output = builder.add_external_psk(psk)?.build()?;
        self.group.apply_pending_commit()?;
        let welcome = output.welcome_messages().first().context("somebody is welcome")?;
        Ok((output.commit_message().to_bytes()?, welcome.to_bytes()?))
    }

    /// A snapshot of the state.
    pub fn snapshot(&self) -> Result<Outgoing> {
        snapshot(&self.group, Class::Snapshot)
    }

    /// The own leaf.
    pub fn leaf(&self) -> u32 {
        self.group.current_member_index()
    }

    /// SHA-256(epoch authenticator)[..8].
    pub fn authenticator8(&self) -> Result<[u8; 8]> {
        let hash = suite()?.hash(self.group.epoch_authenticator()?.as_bytes())?;
        hash.first_chunk().copied().context("32 bytes")
    }

    /// The base key of the epoch's media.
    pub fn media_base_key(&self) -> Result<[u8; 32]> {
        let key = self.group.export_secret(b"SFrame 1.0 Base Key", b"", 32)?;
        Ok(key.as_bytes().try_into()?)
    }
}

/// Members are told apart by their signature keys: the credential says nothing.
#[derive(Clone)]
struct ByKey;

impl IdentityProvider for ByKey {
    type Error = std::convert::Infallible;

    fn validate_member(&self, _: &SigningIdentity, _: Option<MlsTime>, _: MemberValidationContext<'_>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn validate_external_sender(&self, _: &SigningIdentity, _: Option<MlsTime>, _: Option<&ExtensionList>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn identity(&self, identity: &SigningIdentity, _: &ExtensionList) -> Result<Vec<u8>, Self::Error> {
        Ok(identity.signature_key.as_bytes().to_vec())
    }

    fn valid_successor(&self, before: &SigningIdentity, after: &SigningIdentity, _: &ExtensionList) -> Result<bool, Self::Error> {
        Ok(before.signature_key == after.signature_key)
    }

    fn supported_types(&self) -> Vec<CredentialType> {
        vec![CredentialType::BASIC]
    }
}

fn client(private: SignatureSecretKey, public: SignaturePublicKey) -> Client<Config> {
    let identity = SigningIdentity::new(BasicCredential::new(Vec::new()).into_credential(), public);
    // The tree goes with a Welcome, not with the GroupInfo of each commit.
    let commits = CommitOptions::new().with_path_required(true).with_allow_external_commit(true).with_always_out_of_band_ratchet_tree(true);
    let rules =
        DefaultMlsRules::new().with_commit_options(commits).with_encryption_options(EncryptionOptions::new(false, PaddingMode::None));
    Client::builder()
        .mls_rules(rules)
        .crypto_provider(RustCryptoProvider::new())
        .identity_provider(ByKey)
        .extension_types([POLICY, LEAF_INFO])
        .signing_identity(identity, private, CipherSuite::CURVE25519_AES128)
        .build()
}

fn suite() -> Result<impl mls_rs::CipherSuiteProvider<Error = impl std::error::Error + Send + Sync + 'static>> {
    RustCryptoProvider::new().cipher_suite_provider(CipherSuite::CURVE25519_AES128).context("the suite is there")
}

fn leaf(name: &str) -> Result<ExtensionList> {
    let info = LeafInfo { name: Redacted::new(name.to_owned()), host: None, device: None, software: None };
    let mut extensions = ExtensionList::new();
    extensions.set(Extension::new(LEAF_INFO, info.encode()));
    Ok(extensions)
}

fn session_psk(group: &[u8]) -> ExternalPskId {
    ExternalPskId::new([b"conclave/1 session", group].concat())
}

fn entry(commit: &MlsMessage, info: &MlsMessage) -> Result<Outgoing> {
    let entry = CommitEntry { commit: Some(commit.to_bytes()?.into()), group_info: info.to_bytes()?, welcome: None };
    Ok(Outgoing { class: Class::Commit, bytes: entry.encode() })
}

fn snapshot(group: &Group<Config>, class: Class) -> Result<Outgoing> {
    let entry = CommitEntry { commit: None, group_info: group.group_info_message_allowing_ext_commit(true)?.to_bytes()?, welcome: None };
    Ok(Outgoing { class, bytes: entry.encode() })
}

/// One byte 0x80, then zeros up to a power of two.
fn pad(mut content: Vec<u8>) -> Vec<u8> {
    content.push(0x80);
    content.resize(content.len().next_power_of_two().max(SMALLEST), 0);
    content
}

fn unpad(padded: &[u8]) -> Result<&[u8]> {
    ensure!(padded.len() >= SMALLEST && padded.len().is_power_of_two(), "{} bytes are not padded", padded.len());
    let end = padded.iter().rposition(|byte| *byte != 0).context("only zeros")?;
    ensure!(padded[end] == 0x80, "the padding begins with {:#04x}", padded[end]);
    Ok(&padded[..end])
}
