/// Why an epoch's keys were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddEpochError {
    /// This epoch or a newer one was added: its counters must not start again.
    #[error("epoch not newer")]
    NotNewer,
    /// A leaf index does not fit into a key id, or this client is not among the members.
    #[error("members do not fit")]
    Members,
}

/// Why a frame was not sealed. It must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum SealError {
    /// No epoch seals now.
    #[error("no key to seal with")]
    NoKey,
    /// The user has this source off.
    #[error("source off")]
    SourceOff,
    /// Not a frame of this codec: too short to hold its clear prefix, or over [`crate::MAX_FRAME`].
    #[error("frame malformed")]
    Malformed,
    /// The counter of this epoch and track is used up.
    #[error("counter exhausted")]
    Exhausted,
}

/// Why a frame was not opened. It must not be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, serde::Deserialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum OpenError {
    /// No SFrame header of ours: plaintext or garbage.
    #[error("not an sframe")]
    NotSFrame,
    /// Sealed by another leaf than the track's owner, or for another track.
    #[error("not the owner's frame for this track")]
    WrongSender,
    /// Opened before.
    #[error("replayed")]
    Replayed,
    /// So far behind that nobody can tell whether it was opened before.
    #[error("too late")]
    TooLate,
    /// The AEAD did not open (RFC 9605, section 4.4.4).
    #[error("authentication failed")]
    AuthenticationFailed,
    /// Of an epoch whose commit did not come yet. [`crate::Receiver`] keeps such a frame for a while.
    #[error("epoch unknown")]
    EpochUnknown,
    /// Of an epoch whose keys are erased, or that ended before this client joined.
    #[error("epoch expired")]
    Expired,
    /// The group's policy lets its owner not be heard or seen by this track, and this is no silence.
    #[error("its owner is silenced")]
    Silenced,
}
