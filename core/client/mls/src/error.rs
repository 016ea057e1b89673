/// Why every member ignores an entry: the rule of docs/protocol.md that it breaks. The group is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// An Add or external commit without this session's PSK.
    #[error("no psk of this session")]
    NoPsk,
    /// A Remove by a member that may not.
    #[error("remove not allowed")]
    RemoveNotAllowed,
    /// Two leaves with one signature key.
    #[error("duplicate signature key")]
    DuplicateKey,
    /// A proposal type that is not in use.
    #[error("proposal type not in use")]
    ProposalType,
    /// A policy change by a member that may not.
    #[error("policy change not allowed")]
    PolicyNotAllowed,
    /// A newcomer whom no host admitted, though the door is not open, or whom a host keeps out.
    #[error("newcomer not admitted")]
    NotAdmitted,
    /// A leaf whose data is not well-formed.
    #[error("leaf malformed")]
    LeafMalformed,
    /// Not a valid MLS message.
    #[error("not a valid mls message")]
    Invalid,
}

/// Why a group was not founded or not joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The policy names a cipher suite that this client does not speak.
    #[error("cipher suite not supported")]
    Suite,
    /// The snapshot is not a valid group state.
    #[error("group state malformed")]
    Malformed,
    /// The snapshot belongs to another meeting.
    #[error("group state of another meeting")]
    OtherMeeting,
    /// The group's policy is not the one that the host of the link signed.
    #[error("policy is not the host's")]
    Policy,
    /// The state at the head of the log cannot be joined; a later commit or snapshot may help.
    #[error("no usable group state")]
    NoState,
    /// The door is not open, and no host admitted this client.
    #[error("not admitted")]
    NotAdmitted,
    /// As many people as the policy allows are inside.
    #[error("group full")]
    Full,
    /// The MLS library failed.
    #[error("mls library failed")]
    Library,
}

/// Why a command of this client was not carried out. The group is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// An own commit waits for its place in the log.
    #[error("own commit pending")]
    Pending,
    /// This client is no longer in the group, or has asked to leave.
    #[error("not a member")]
    NotMember,
    /// No member has this identity.
    #[error("no such member")]
    Unknown,
    /// The rules do not allow it to this client.
    #[error("not allowed")]
    NotAllowed,
    /// Nothing to commit.
    #[error("nothing to commit")]
    Nothing,
    /// The message does not fit into an entry.
    #[error("message too large")]
    TooLarge,
    /// The MLS library failed.
    #[error("mls library failed")]
    Library,
}
