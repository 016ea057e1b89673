//! One MLS group per session.

mod error;
mod group;
mod handled;
mod joiner;
mod name;
mod setup;

pub use error::{CommandError, JoinError, RuleBroken};
pub use group::Group;
pub use handled::{Change, Handled, Member};
pub use joiner::Joiner;
pub use name::clean_name;
pub use setup::{Outgoing, SUITE, Setup};
