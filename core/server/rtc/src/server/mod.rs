//! The media server's half: [`Server`] is a [`conclave_sfu::Transport`] on str0m in RTP mode.

mod codecs;
mod connection;
mod offer;

pub use connection::{Config, ConfigError, Server};
