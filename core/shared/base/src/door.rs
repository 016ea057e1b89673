use serde::{Deserialize, Serialize};

/// How newcomers come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum Door {
    /// Who has the link comes in.
    #[default]
    Open,
    /// They ask, and a host admits them.
    Ask,
    /// They cannot even ask.
    Locked,
}
