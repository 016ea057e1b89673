//! The client for the browser: [`conclave_session::Session`] and [`conclave_media_crypto::FrameCryptor`] as JavaScript classes, and the
//! TypeScript types of all that crosses this border, generated from the Rust ones.
//!
//! ```text
//!  worker.ts --input--> Session --poll()--> Output --> fetch, WebSocket, timer, page
//!                                              | "cryptor" outputs, to another worker, and "report" outputs back
//!  encoder --> FrameCryptor.seal --> network --> FrameCryptor.receive --> decoder
//! ```
//!
//! Times are Unix milliseconds that never run backwards; microseconds may stand behind the point.
//! Nothing that a person or the network brings throws: a refusal comes in the place of the result. What throws is an argument that its
//! type or its documentation rules out. Media keys, and this member's signature key, cross the border as bytes on their
//! way to the frame cryptor's worker, and no other key does.
//!
//! Architecture invariant: no decision is taken here; every method is one call into `session` or `media_crypto`.

mod constants;
mod create;
mod frame_cryptor;
mod host_link;
mod meetings_file;
mod read_link;
mod session;

pub use constants::constants;
pub use create::{CreationWithPassphrase, create};
pub use frame_cryptor::FrameCryptor;
pub use host_link::{HostLink, ask_host_links, offer_host_key, read_host_links};
pub use meetings_file::{open_meetings, seal_meetings};
pub use read_link::read_link;
pub use session::Session;

use conclave_base::{Secret, Time};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::JsError;

/// A value of ours as JavaScript has it.
fn to_js<T: Tsify + Serialize>(value: &T) -> Ts<T> {
    value.into_ts().expect("derived serializers fail only on numbers beyond 2^53, and no epoch or limit comes near")
}

fn secret(bytes: Vec<u8>) -> Result<Secret<32>, JsError> {
    <[u8; 32]>::try_from(bytes).map(Secret::new).map_err(|_| JsError::new("not 32 bytes"))
}

/// Casts of floats saturate: nonsense from JavaScript becomes the origin or "never", never a panic.
fn time(millis: f64) -> Time {
    Time::from_micros((millis * 1000.0) as u64)
}

/// When something is to be done again; `None` is never.
fn idle(until: Time) -> Option<f64> {
    (until != Time::MAX).then(|| until.as_micros() as f64 / 1000.0)
}
