use conclave_protocol::screen::Rule;

/// An entry that every member ignores, and the rule it breaks. The group is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("entry ignored: {0:?}")]
pub struct RuleBroken(pub Rule);

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
