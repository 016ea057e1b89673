//! The client's brain: link, lobby, roster, chat, keys; one [`wire::screen::Snapshot`] for the screen.

#[cfg(all(feature = "canary-unsealed", target_arch = "wasm32"))]
compile_error!("`canary-unsealed` is for tests/canary; a browser client must never be built with it");

mod chain;
mod chance;
mod create;
mod desk;
mod entering;
mod envelope;
mod inside;
mod io;
mod keys;
pub mod link;
mod meeting;
mod meta;
mod peers;
mod screen;
mod socket;
mod switching;
mod upkeep;
mod watch;

#[cfg(test)]
mod tests;

pub use create::{CreateError, Created, create};
pub use frames::{Codec, OpenError, SealError};
pub use io::{Config, Input, InputError, Output};
pub use link::Link;
pub use meeting::Meeting;
