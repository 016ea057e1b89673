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
pub fn create(title: &str, lobby: bool, origin: &str, seed: Vec<u8>) -> Result<Ts<CreateResult>, JsError> {
    let meeting = NewMeeting { title, lobby, ..NewMeeting::default() };
    Ok(created(conclave_session::create(meeting, &crate::secret(seed)?), origin))
}

fn created(result: Result<conclave_session::Created, CreateError>, origin: &str) -> Ts<CreateResult> {
    crate::to_js(&match result {
        Ok(made) => CreateResult::Created(Created {
            link: made.link.url(origin),
            host: made.host.expose().to_vec(),
            path: made.path,
            body: made.body,
        }),
        Err(error) => CreateResult::Refused(error),
    })
}

/// What the server has to do first.
#[derive(Serialize, Tsify)]
pub struct PassphraseRequest {
    path: &'static str,
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array<ArrayBuffer>")]
    body: Vec<u8>,
}

/// That, or why there will be no meeting.
#[derive(Serialize, Tsify)]
#[serde(untagged)]
pub enum PassphraseRequestResult {
    /// To be POSTed.
    Request(PassphraseRequest),
    /// Nothing is made.
    Refused(CreateError),
}

/// A meeting with a passphrase beside the link: what [`Self::request`] says is to be POSTed, and the body of the answer with status 200 given
/// to [`Self::finish`].
#[wasm_bindgen]
pub struct CreationWithPassphrase(Result<conclave_session::CreationWithPassphrase, CreateError>);

#[wasm_bindgen]
impl CreationWithPassphrase {
    /// As `create`.
    #[wasm_bindgen(constructor)]
    pub fn new(title: &str, passphrase: &str, lobby: bool, seed: Vec<u8>) -> Result<CreationWithPassphrase, JsError> {
        let meeting = NewMeeting { title, lobby, ..NewMeeting::default() };
        Ok(Self(conclave_session::CreationWithPassphrase::new(meeting, passphrase, &crate::secret(seed)?)))
    }

    /// What the server is asked.
    pub fn request(&self) -> Ts<PassphraseRequestResult> {
        crate::to_js(&match &self.0 {
            Ok(creation) => PassphraseRequestResult::Request(PassphraseRequest { path: creation.path, body: creation.body.clone() }),
            Err(error) => PassphraseRequestResult::Refused(*error),
        })
    }

    /// The meeting.
    pub fn finish(self, body: &[u8], origin: &str) -> Ts<CreateResult> {
        created(self.0.and_then(|creation| creation.finish(body)), origin)
    }
}
