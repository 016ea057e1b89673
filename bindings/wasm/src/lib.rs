//! The client's session for the browser: [`conclave_session::Session`] as a JavaScript class, and the TypeScript types of all that
//! crosses this border, generated from the Rust ones.
//!
//! ```text
//!  worker.ts --input--> Session --poll()--> Output --> fetch, WebSocket, timer, page
//!  encoder --> Session.seal --> network --> Session.receive --> decoder
//! ```
//!
//! Times are Unix milliseconds that never run backwards; microseconds may stand behind the point.
//! Nothing that a person or the network brings throws: a refusal comes in the place of the result. What throws is an argument that its
//! type or its documentation rules out. A key never crosses the border.
//!
//! Architecture invariant: no decision is taken here; every method is one call into `session`.

mod constants;
mod create;
mod session;

pub use constants::constants;
pub use create::create;
pub use session::Session;

use conclave_base::Secret;
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
