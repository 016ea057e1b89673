//! What clients say to each other inside sealed envelopes. The server never sees these types: it moves them as `sealed` bytes.

use conclave_base::{Door, MemberId, Permission, Redacted, Seq, SessionId};
use serde::{Deserialize, Serialize};

use crate::ws::{DecodeError, bytes_array};

/// What a meeting is; sealed with the `meta` key and kept by the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Title, possibly empty.
    pub title: Redacted<String>,
    /// Ed25519; its fingerprint stands in the link.
    pub host_key: [u8; 32],
    /// The rules of the meeting.
    pub policy: Policy,
    /// By `host_key`, over `"conclave/1 meta" ‖ meeting id ‖ postcard(title, policy)`.
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// Stands, readable, before the sealed [`Meta`] of a meeting with a passphrase: by which key the server does its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseKey {
    /// The server's public key (RFC 9497), ristretto255.
    pub server_key: [u8; 32],
    /// Ed25519; its fingerprint stands in the link.
    pub host_key: [u8; 32],
    /// By `host_key`, over [`crate::host::passphrase_claim`].
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// The rules of a meeting that its host signed when it was made; they stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// [`crate::limits::PROTOCOL`].
    pub version: u16,
    /// Ed25519 keys of the hosts, at least one.
    pub host_keys: Vec<[u8; 32]>,
    /// Newcomers ask first, from the beginning of each session: only a host founds one.
    pub lobby: bool,
    /// A passphrase stands beside the link.
    pub passphrase: bool,
    /// Sound flows in frames of one size and pace, whether or not its sender speaks or has the microphone on.
    pub hides_speech: bool,
    /// What only hosts may do, and whom they let, until one of them orders otherwise.
    pub hosts_only: Vec<Permission>,
    /// [`Floor::mute_above`] until a host orders otherwise.
    pub mute_above: Option<u32>,
    /// Most leaves.
    pub limit: u32,
    /// MLS cipher suite code point.
    pub suite: u16,
}

/// Carried in the MLS GroupContext (extension type 0xF0C0), where every member checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPolicy {
    /// As the host of the link signed it.
    pub policy: Policy,
    /// What a host ordered since.
    pub access: Access,
    /// `None` while no host ordered anything: `access` is as `policy` begins.
    pub order: Option<OrderSignature>,
}

/// Who may come in, who is a host beside those who hold a key of [`Policy::host_keys`], and who may do what inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Rises with each order of a host, over all sessions of the meeting; 0 before the first.
    pub order: u32,
    /// For whoever is not named below.
    pub door: Door,
    /// Who comes in though the door is not open: rising, without doubles; empty while it is open.
    pub admitted: Vec<MemberId>,
    /// Who does not come in, whatever the door: removed by a host. Oldest first, at most [`BARRED`](crate::limits::BARRED).
    pub barred: Vec<MemberId>,
    /// Made hosts by who holds a host key, at most [`APPOINTED`](crate::limits::APPOINTED).
    pub appointed: Vec<Appointment>,
    /// Who may do what inside.
    pub floor: Floor,
}

/// Who may be heard, read and seen, and how many may be inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// [`Permission::Speak`].
    pub speak: Permitted,
    /// [`Permission::Chat`].
    pub chat: Permitted,
    /// [`Permission::Share`].
    pub share: Permitted,
    /// Whoever comes in has the microphone off when, with it, more than so many are inside; may switch it on, if permitted.
    pub mute_above: Option<u32>,
    /// Most leaves; no more than [`Policy::limit`].
    pub limit: u32,
}

/// To whom something is permitted. Hosts are permitted everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permitted {
    /// To everybody but who is excepted; otherwise to nobody but who is.
    pub everybody: bool,
    /// Who is excepted: rising, without doubles, at most [`EXCEPTED`](crate::limits::EXCEPTED).
    pub except: Vec<MemberId>,
}

impl Floor {
    /// To whom `what` is permitted.
    pub fn of(&self, what: Permission) -> &Permitted {
        match what {
            Permission::Speak => &self.speak,
            Permission::Chat => &self.chat,
            Permission::Share => &self.share,
        }
    }

    /// As [`Self::of`], to be changed.
    pub fn of_mut(&mut self, what: Permission) -> &mut Permitted {
        match what {
            Permission::Speak => &mut self.speak,
            Permission::Chat => &mut self.chat,
            Permission::Share => &mut self.share,
        }
    }
}

impl Permitted {
    /// Whether this member, who is no host, is permitted it.
    pub fn includes(&self, who: &MemberId) -> bool {
        self.everybody != self.except.binary_search(who).is_ok()
    }
}

/// A member whom a host made a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Leaf signature key of the new host.
    pub leaf_key: [u8; 32],
    /// By one of [`Policy::host_keys`], over `leaf_key`.
    pub proof: HostProof,
}

/// A host's signature over `"conclave/1 access" ‖ meeting id ‖ session id ‖ postcard(access)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSignature {
    /// One of [`Policy::host_keys`], or the leaf key of somebody appointed.
    pub key: [u8; 32],
    /// By that key.
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// A policy as it stood in a session that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPolicy {
    /// Which session: the signature is good for it alone.
    pub session: SessionId,
    /// With a host's signature.
    pub policy: GroupPolicy,
}

/// Content of a log entry of class `JoinRequest`, between who waits outside and the hosts. Who waits has no key but those of the link, so this
/// is sealed by no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinRequest {
    /// Somebody asks to be let in.
    Knock {
        /// Display name as chosen; receivers clean it.
        name: Redacted<String>,
        /// Leaf signature key to come.
        leaf_key: [u8; 32],
        /// By it, over `"conclave/1 knock" ‖ meeting id ‖ session id ‖ name`.
        #[serde(with = "bytes_array")]
        signature: [u8; 64],
        /// What a host ordered in an earlier session, if that is more than in this one: a host who does not know of it orders it again.
        seen: Option<Box<SeenPolicy>>,
    },
    /// A host will not let somebody in.
    Decline {
        /// Whom.
        who: MemberId,
        /// What the host says to that, possibly nothing.
        word: Redacted<String>,
        /// Leaf signature key of the host.
        by: [u8; 32],
        /// By it, over `"conclave/1 decline" ‖ meeting id ‖ session id ‖ who ‖ word`.
        #[serde(with = "bytes_array")]
        signature: [u8; 64],
    },
    /// Somebody who may come in wants a member to add it, together with others who come at this moment.
    KeyPackage(
        /// MLS KeyPackage, signed by the leaf key to come, with the proof that its owner has the PSK (KeyPackage extension 0xF0C2).
        serde_bytes::ByteBuf,
    ),
}

/// Carried in each leaf (LeafNode extension type 0xF0C1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafInfo {
    /// Display name as chosen; receivers clean it again.
    pub name: Redacted<String>,
    /// Proof of holding a host key.
    pub host: Option<HostProof>,
    /// Proof of holding a device key, which is the same in every meeting: by it those who verified its owner know the device again.
    pub device: Option<DeviceProof>,
    /// What it says that it runs; the same for as long as it stays.
    pub software: Option<Software>,
}

/// What a member says that it runs. It is that member's word, which nothing proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// What kind of client.
    pub program: Program,
    /// Major, minor and patch of its release.
    pub version: [u32; 3],
    /// SHA-256 by which the log of releases names it, where it knows that: of `bundle.txt` for a page, of its own file for a program.
    pub build: Option<[u8; 32]>,
}

/// A kind of client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// A page in a browser.
    Page {
        /// From which host, with the port unless it is the usual one; receivers clean it.
        site: Redacted<String>,
    },
    /// A program of its own.
    Native,
}

/// A host key's signature over `"conclave/1 host leaf" ‖ meeting id ‖ leaf signature key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostProof {
    /// One of [`Policy::host_keys`].
    pub key: [u8; 32],
    /// By that key.
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// A device key's signature over `"conclave/1 device leaf" ‖ meeting id ‖ leaf signature key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceProof {
    /// Ed25519.
    pub key: [u8; 32],
    /// By that key.
    #[serde(with = "bytes_array")]
    pub signature: [u8; 64],
}

/// Content of a log entry of class `Commit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitEntry {
    /// MLS PublicMessage with the commit; `None` for the entry that founds the group.
    pub commit: Option<serde_bytes::ByteBuf>,
    /// GroupInfo of the new epoch, without ratchet tree; with it in the founding entry.
    #[serde(with = "serde_bytes")]
    pub group_info: Vec<u8>,
    /// MLS Welcome for all whom the commit adds by KeyPackage; `None` if it adds nobody.
    pub welcome: Option<serde_bytes::ByteBuf>,
}

/// Content of an MLS application message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum App {
    /// A line of chat.
    Chat {
        /// Drawn by the sender: the same line, sent again after its fate was unknown, is shown once.
        id: u64,
        /// Plain text.
        text: Redacted<String>,
    },
    /// What the sender's media is, said when it changes. In a meeting that hides speech a change of `mic` alone is no reason to say it: the
    /// server sees when something is said.
    State {
        /// Microphone on.
        mic: bool,
        /// Camera on.
        camera: bool,
        /// Shares a screen.
        screen: bool,
    },
    /// Sign of life, and what the sender sees: forks show by themselves.
    Heartbeat {
        /// MLS epoch of the values below.
        epoch: u64,
        /// SHA-256(epoch authenticator)[..8].
        authenticator: [u8; 8],
        /// SHA-256 over the roster shown: leaf index and signature key of each member, in leaf order; [..8].
        roster: [u8; 8],
        /// The newest entry that the sender has read.
        seq: Seq,
        /// Its chain hash [..8].
        chain_hash: [u8; 8],
        /// Microphone on. Frames of sound say it sooner, to whom they reach.
        mic: bool,
    },
    /// A host asks for microphones to be switched off. Whose it is switches it off, and may switch it on again, if permitted; who may not speak at
    /// all stands in [`Floor`].
    Mute {
        /// Whose; nobody: of everybody but hosts.
        who: Vec<MemberId>,
    },
    /// What the sender's user found on comparing the safety code with another member. The sender speaks for itself alone, and nobody else
    /// can in its place: MLS signs each message with its sender's leaf key.
    Comparison {
        /// With whom.
        with: MemberId,
        /// Which code, by the epoch that it stands for: SHA-256(epoch authenticator)[..8].
        authenticator: [u8; 8],
        /// Whether both had the same.
        same: bool,
    },
}

macro_rules! codec {
    ($($name:ident)*) => {$(
        impl $name {
            /// The bytes, to be sealed.
            pub fn encode(&self) -> Vec<u8> {
                postcard::to_stdvec(self).expect("these types have no failing serializer")
            }

            /// Reads opened bytes; the whole must be used.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                match postcard::take_from_bytes(bytes) {
                    Ok((value, [])) => Ok(value),
                    Ok(_) | Err(_) => Err(DecodeError::Malformed),
                }
            }
        }
    )*};
}

codec!(Meta GroupPolicy LeafInfo CommitEntry App JoinRequest);

impl PassphraseKey {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("this type has no failing serializer")
    }

    /// Reads it from the beginning of `bytes`; gives the rest too.
    pub fn take(bytes: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed)
    }
}
