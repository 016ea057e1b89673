//! One MLS group per session.

mod code;
mod error;
mod group;
mod handled;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod joiner;
mod leaf;
mod name;
mod padding;
mod provider;
mod rules;
mod setup;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use error::{CommandError, JoinError, RuleBroken};
pub use group::Group;
pub use handled::{Change, Handled, Member};
pub use joiner::Joiner;
pub use name::clean_name;
pub use setup::{Outgoing, SUITE, SUITE_CLASSIC, Setup};
