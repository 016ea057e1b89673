use conclave_session::{CreateError, NewMeeting};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// A meeting that exists once `body` (JSON) was POSTed to `path` and answered with 201.
#[derive(Serialize, Tsify)]
pub struct Created {
    /// Whole URL: whoever reads it can come in.
    link: String,
    /// Seed of the host key; it stays on this device.
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array<ArrayBuffer>")]
    host: Vec<u8>,
    path: &'static str,
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array<ArrayBuffer>")]
    body: Vec<u8>,
}

/// A meeting, or why there is none.
#[derive(Serialize, Tsify)]
#[serde(untagged)]
pub enum CreateResult {
    /// To be POSTed.
    Created(Created),
    /// Nothing was made.
    Refused(CreateError),
}

/// Makes a meeting. `lobby`: newcomers ask from the beginning; `origin` is scheme, host and port; `seed` 32 fresh random bytes. It hides
/// who speaks.
#[wasm_bindgen]
pub fn create(title: &str, passphrase: Option<String>, lobby: bool, origin: &str, seed: Vec<u8>) -> Result<Ts<CreateResult>, JsError> {
    let meeting = NewMeeting { title, passphrase: passphrase.as_deref(), lobby, ..NewMeeting::default() };
    let result = match conclave_session::create(meeting, &crate::secret(seed)?) {
        Ok(made) => CreateResult::Created(Created {
            link: made.link.url(origin),
            host: made.host.expose().to_vec(),
            path: made.path,
            body: made.body,
        }),
        Err(error) => CreateResult::Refused(error),
    };
    Ok(crate::to_js(&result))
}
