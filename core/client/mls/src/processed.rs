use conclave_base::{Epoch, LeafIndex, MemberId};
use conclave_protocol::payload::{App, Software};

/// Somebody who holds the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Place in the tree.
    pub leaf: LeafIndex,
    /// SHA-256(key)[..16]; also the transport's name of this member.
    pub identity: MemberId,
    /// Ed25519 leaf signature key.
    pub key: [u8; 32],
    /// Cleaned display name, never empty.
    pub name: conclave_base::Redacted<String>,
    /// Proved to hold one of the policy's host keys.
    pub host: bool,
    /// Device key (Ed25519) that it proved to hold: the same in every meeting.
    pub device: Option<[u8; 32]>,
    /// What it says that it runs, cleaned.
    pub software: Option<Software>,
}

/// What an accepted commit did. The new roster is [`crate::Group::members`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The epoch that begins.
    pub epoch: Epoch,
    /// Who committed; for a join, the newcomer.
    pub by: MemberId,
    /// Came in. A client that returned with its old key stands only here: its old leaf is gone.
    pub joined: Vec<Member>,
    /// Left by their own wish, or were lost.
    pub left: Vec<Member>,
    /// Were removed by a host, and are kept out.
    pub removed: Vec<Member>,
    /// Were sent back to the door by a host.
    pub sent_back: Vec<Member>,
    /// This client is among `left`, `removed` or `sent_back`, or its key came back elsewhere as a new leaf: the group is over for it, and it has no
    /// keys of `epoch`.
    pub out: bool,
    /// The commit brought no usable group state for joiners: somebody should append [`crate::Group::snapshot`].
    pub snapshot_wanted: bool,
}

/// What an entry was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processed {
    /// A commit, own or foreign: a new epoch has begun.
    Commit(Change),
    /// A member asks to leave: somebody should call [`crate::Group::commit_pending`].
    Leaving(MemberId),
    /// An application message.
    App {
        /// Who sent it: a member now, not only when it was sent.
        from: MemberId,
        /// In which epoch it was sealed.
        epoch: Epoch,
        /// What.
        app: App,
    },
    /// An application message of this client, come back from the log. MLS senders cannot read their own, nor see that it was replayed:
    /// compare the bytes with what was sent.
    Own {
        /// In which epoch it was sealed.
        epoch: Epoch,
    },
    /// A snapshot of the current epoch that joiners can use.
    Snapshot,
    /// A snapshot that joiners cannot use from here: somebody should append a new one.
    SnapshotUseless {
        /// Of this group, in another epoch or another state; not of another group, and not bytes that mean nothing.
        of_group: bool,
    },
    /// Of an epoch that this client cannot read (before it joined, or too long ago), or of somebody no longer inside.
    Unreadable,
}
