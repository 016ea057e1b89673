use conclave_base::{Machine as _, Polled, Redacted};
use conclave_media_crypto::FrameReport;
use conclave_session::people::VerifiedPerson;
use conclave_session::snapshot::Command;
use conclave_session::software::page;
use conclave_session::{Config, Input, InputError, Output};
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::{idle, secret, time, to_js};

/// What is to be done next.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
pub enum Step {
    /// This.
    Output(Output),
    /// Nothing until that moment or the next input; `undefined` is never.
    Idle(Option<f64>),
}

/// Verified people, as they cross the border.
#[derive(Serialize, Deserialize, Tsify)]
#[serde(transparent)]
pub struct VerifiedPeople(Vec<VerifiedPerson>);

/// One opened link, from the waiting page to the end. After every input: `poll` until "idle". What an input brings back is why it was
/// not taken; the meeting then goes on as if it had not come.
#[wasm_bindgen]
pub struct Session {
    session: conclave_session::Session,
}

#[wasm_bindgen]
impl Session {
    /// Reads the link (whole URL or fragment). `seed` is 32 fresh random bytes, `host` the seed of the host key, also 32, if this device
    /// has it, `passphrase` what was typed a moment ago when this meeting was made, and `signer` the seed of the key by which the others know
    /// this person, from one document of a tab to the next. `device` is the seed of this device's key, if its user wants to be known again, and
    /// `people` whom that user verified. `site` is the host from which this page was loaded, and `bundle` the SHA-256 of its `bundle.txt`, as far as
    /// its own HTML says.
    #[expect(clippy::too_many_arguments, reason = "keys cross the border as bytes of their own, each copied once")]
    pub fn open_link(
        link: String,
        host: Option<Vec<u8>>,
        passphrase: Option<String>,
        signer: Vec<u8>,
        device: Option<Vec<u8>>,
        people: Ts<VerifiedPeople>,
        site: String,
        bundle: Option<String>,
        seed: Vec<u8>,
        now: f64,
    ) -> Result<Session, JsError> {
        let host = host.map(secret).transpose()?;
        let (device, people) = (device.map(secret).transpose()?, people.to_rust()?.0);
        let passphrase = passphrase.map(Redacted::new);
        let (signer, seed) = (Some(secret(signer)?), secret(seed)?);
        // A page trusts no log of releases: what it knows of one would come from whoever serves it.
        let (software, logged) = (Some(page(site, bundle.as_deref())), None);
        let config = Config { link: Redacted::new(link), host, passphrase, signer, device, people, software, logged, seed };
        Ok(Self { session: conclave_session::Session::new(config, time(now)) })
    }

    /// The answer to an "http" output.
    #[wasm_bindgen(js_name = httpDone)]
    pub fn http_done(&mut self, status: u16, body: Vec<u8>, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::HttpDone { status, body }, now)
    }

    /// An "http" output brought no answer.
    #[wasm_bindgen(js_name = httpFailed)]
    pub fn http_failed(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::HttpFailed, now)
    }

    /// The WebSocket is open.
    pub fn opened(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Opened, now)
    }

    /// A binary message of the WebSocket.
    pub fn received(&mut self, bytes: Vec<u8>, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Received(bytes), now)
    }

    /// The WebSocket closed or could not be opened.
    pub fn closed(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Closed, now)
    }

    /// The page asks for something.
    pub fn command(&mut self, command: Ts<Command>, now: f64) -> Result<Option<Ts<InputError>>, JsError> {
        Ok(self.handle(Input::Command(command.to_rust()?), now))
    }

    /// The user wants to be known again by the device key of this seed, or not.
    pub fn device(&mut self, seed: Option<Vec<u8>>, now: f64) -> Result<Option<Ts<InputError>>, JsError> {
        Ok(self.handle(Input::Device(seed.map(secret).transpose()?), now))
    }

    /// The media layer needs a fresh token; a "mediaToken" output follows.
    #[wasm_bindgen(js_name = tokenWanted)]
    pub fn token_wanted(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::TokenWanted, now)
    }

    /// The network is back or may be another one, or somebody looks at the page again.
    pub fn online(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Online, now)
    }

    /// The moment of "idle" has come.
    pub fn timeout(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Timeout, now)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Ts<Step> {
        to_js(&match self.session.poll() {
            Polled::Output(output) => Step::Output(output),
            Polled::Idle(until) => Step::Idle(idle(until)),
        })
    }

    /// A "report" output of the frame cryptor.
    #[wasm_bindgen(js_name = frameReport)]
    pub fn frame_report(&mut self, report: &[u8], now: f64) -> Result<Option<Ts<InputError>>, JsError> {
        Ok(self.handle(Input::FrameReport(FrameReport::from_bytes(report)?), now))
    }
}

impl Session {
    fn handle(&mut self, input: Input, now: f64) -> Option<Ts<InputError>> {
        self.session.handle(input, time(now)).err().as_ref().map(to_js)
    }
}
