//! The client's brain for the browser: [`conclave_session::Session`] as a JavaScript class, and the TypeScript types of what it says.
//!
//! ```text
//!  worker.ts --input--> Session --poll()--> Output --> fetch, WebSocket, timer, page
//!  encoder --> Session.seal --> network --> Session.receive --> decoder
//! ```
//!
//! Times are Unix milliseconds that never run backwards; microseconds may stand behind the point.
//! Nothing throws on input: a refusal is a word ([`words`]) in the place of the result. A key never crosses the border.
//!
//! Architecture invariant: no decision is taken here; every method is one call into `meeting`.

mod object;
mod output;
mod session;
mod words;

pub use session::{Session, create};
