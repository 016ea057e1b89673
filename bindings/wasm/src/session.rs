use conclave_base::{Codec, Machine as _, MemberId, Polled, Redacted, Source, Time};
use conclave_session::snapshot::Command;
use conclave_session::{Config, Input, InputError, Output, SealError, SealedFrame};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::{secret, to_js};

/// A sealed frame, or why there is none: then nothing may be sent.
#[derive(Serialize, Tsify)]
#[serde(untagged)]
pub enum SealResult {
    /// To be sent.
    Frame(
        #[serde(with = "serde_bytes")]
        #[tsify(type = "Uint8Array<ArrayBuffer>")]
        Vec<u8>,
    ),
    /// Not sealed.
    Refused(SealError),
}

/// What is to be done next.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
pub enum Step {
    /// This.
    Output(Output),
    /// Nothing until that moment or the next input; `undefined` is never.
    Idle(Option<f64>),
}

/// One opened link, from the waiting page to the end. After every input: `poll` until "idle". What an input brings back is why it was
/// not taken; the meeting then goes on as if it had not come.
#[wasm_bindgen]
pub struct Session {
    session: conclave_session::Session,
}

#[wasm_bindgen]
impl Session {
    /// Reads the link (whole URL or fragment). `seed` is 32 fresh random bytes, `host` the seed of the host key, also 32, if this device
    /// has it.
    pub fn open_link(link: String, host: Option<Vec<u8>>, seed: Vec<u8>, now: f64) -> Result<Session, JsError> {
        let host = host.map(secret).transpose()?;
        let config = Config { link: Redacted::new(link), host, passphrase: None, seed: secret(seed)? };
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

    /// The media layer needs a fresh token; a "mediaToken" output follows.
    #[wasm_bindgen(js_name = tokenWanted)]
    pub fn token_wanted(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::TokenWanted, now)
    }

    /// The moment of "idle" has come.
    pub fn timeout(&mut self, now: f64) -> Option<Ts<InputError>> {
        self.handle(Input::Timeout, now)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Ts<Step> {
        to_js(&match self.session.poll() {
            Polled::Output(output) => Step::Output(output),
            Polled::Idle(until) => Step::Idle((until != Time::MAX).then(|| until.as_micros() as f64 / 1000.0)),
        })
    }

    /// Seals one encoded frame of an own track.
    pub fn seal(&mut self, source: Ts<Source>, codec: Ts<Codec>, frame: &[u8], now: f64) -> Result<Ts<SealResult>, JsError> {
        let sealed = self.session.seal(source.to_rust()?, codec.to_rust()?, frame, time(now));
        Ok(to_js(&sealed.map_or_else(SealResult::Refused, SealResult::Frame)))
    }

    /// Takes one sealed frame that came on the track `source` of the member `owner`. Gives it back opened, or `undefined`: then drain
    /// `poll`, which says now or later what became of the frame that you call `id`.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer> | undefined")]
    pub fn receive(
        &mut self,
        owner: &str,
        source: Ts<Source>,
        codec: Ts<Codec>,
        id: u32,
        frame: &[u8],
        now: f64,
    ) -> Result<Option<Vec<u8>>, JsError> {
        // What the transport loses, the browser itself asks for again.
        let frame = SealedFrame { id, codec: codec.to_rust()?, contiguous: true, bytes: frame };
        Ok(self.session.receive(identity(owner), source.to_rust()?, frame, time(now)))
    }

    /// The decoder of this track lacks its beginning. Then drain `poll`.
    #[wasm_bindgen(js_name = requestKeyFrame)]
    pub fn request_key_frame(&mut self, owner: &str, source: Ts<Source>, now: f64) -> Result<(), JsError> {
        self.session.request_key_frame(identity(owner), source.to_rust()?, time(now));
        Ok(())
    }
}

impl Session {
    fn handle(&mut self, input: Input, now: f64) -> Option<Ts<InputError>> {
        self.session.handle(input, time(now)).err().as_ref().map(to_js)
    }
}

/// Casts of floats saturate: nonsense from JavaScript becomes the origin or "never", never a panic.
fn time(millis: f64) -> Time {
    Time::from_micros((millis * 1000.0) as u64)
}

/// The media server may call a participant anything. A name that is no identity is nobody's, and nobody's frames are dropped.
fn identity(text: &str) -> MemberId {
    text.parse().unwrap_or(MemberId::from_bytes([0; 16]))
}
