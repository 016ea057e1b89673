use conclave_base::{Machine as _, MemberId, Redacted, Secret, Time};
use conclave_session::snapshot::{Command, Snapshot};
use conclave_session::{Config, Input, SealedFrame};
use js_sys::Uint8Array;
use tsify::{Ts, Tsify as _};
use wasm_bindgen::prelude::*;

use crate::object::Fields;
use crate::{output, words};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A meeting that exists once `body` (JSON) was POSTed to `path` and answered with 201. */
export interface Created {
  /** Whole URL: whoever reads it can come in. */
  link: string;
  /** Seed of the host key; it stays on this device. */
  host: Uint8Array<ArrayBuffer>;
  path: string;
  body: Uint8Array<ArrayBuffer>;
}
"#;

/// Makes a meeting. `origin` is scheme, host and port; `seed` 32 fresh random bytes.
#[wasm_bindgen(unchecked_return_type = "Created | CreateRefusal")]
pub fn create(title: &str, passphrase: Option<String>, origin: &str, seed: Vec<u8>) -> JsValue {
    let Some(seed) = secret(seed) else { return "seed".into() };
    match conclave_session::create(title, passphrase.as_deref(), &seed) {
        Ok(made) => Fields::new()
            .with("link", made.link.url(origin))
            .bytes("host", made.host.expose())
            .with("path", made.path)
            .bytes("body", &made.body)
            .into(),
        Err(error) => words::create(error).into(),
    }
}

/// One opened link, from the waiting page to the end. After every input: `poll` until "idle".
#[wasm_bindgen]
pub struct Session {
    session: conclave_session::Session,
}

#[wasm_bindgen]
impl Session {
    /// Reads the link (whole URL or fragment). `seed` is 32 fresh random bytes, `host` the seed of the host key, if this
    /// device has it; `undefined` comes back when one of them has another length.
    pub fn open_link(link: String, host: Option<Vec<u8>>, seed: Vec<u8>, now: f64) -> Option<Session> {
        let host = match host {
            Some(bytes) => Some(secret(bytes)?),
            None => None,
        };
        let config = Config { link: Redacted::new(link), host, passphrase: None, seed: secret(seed)? };
        Some(Self { session: conclave_session::Session::new(config, time(now)) })
    }

    /// The answer to an "http" output.
    #[wasm_bindgen(js_name = httpDone, unchecked_return_type = "InputRefusal | undefined")]
    pub fn http_done(&mut self, status: u16, body: Vec<u8>, now: f64) -> Option<String> {
        self.handle(Input::HttpDone { status, body }, now)
    }

    /// An "http" output brought no answer.
    #[wasm_bindgen(js_name = httpFailed, unchecked_return_type = "InputRefusal | undefined")]
    pub fn http_failed(&mut self, now: f64) -> Option<String> {
        self.handle(Input::HttpFailed, now)
    }

    /// The WebSocket is open.
    #[wasm_bindgen(unchecked_return_type = "InputRefusal | undefined")]
    pub fn opened(&mut self, now: f64) -> Option<String> {
        self.handle(Input::Opened, now)
    }

    /// A binary message of the WebSocket.
    #[wasm_bindgen(unchecked_return_type = "InputRefusal | undefined")]
    pub fn received(&mut self, bytes: Vec<u8>, now: f64) -> Option<String> {
        self.handle(Input::Received(bytes), now)
    }

    /// The WebSocket closed or could not be opened.
    #[wasm_bindgen(unchecked_return_type = "InputRefusal | undefined")]
    pub fn closed(&mut self, now: f64) -> Option<String> {
        self.handle(Input::Closed, now)
    }

    /// The screen asks for something.
    #[wasm_bindgen(unchecked_return_type = "InputRefusal | undefined")]
    pub fn command(&mut self, command: Ts<Command>, now: f64) -> Option<String> {
        match command.to_rust() {
            Ok(command) => self.handle(Input::Command(command), now),
            Err(_) => Some(words::MALFORMED.into()),
        }
    }

    /// The media layer needs a fresh token; a "mediaToken" output follows.
    #[wasm_bindgen(js_name = tokenWanted, unchecked_return_type = "InputRefusal | undefined")]
    pub fn token_wanted(&mut self, now: f64) -> Option<String> {
        self.handle(Input::TokenWanted, now)
    }

    /// The moment of "idle" has come.
    #[wasm_bindgen(unchecked_return_type = "InputRefusal | undefined")]
    pub fn timeout(&mut self, now: f64) -> Option<String> {
        self.handle(Input::Timeout, now)
    }

    /// The next thing to do.
    #[wasm_bindgen(unchecked_return_type = "Output")]
    pub fn poll(&mut self) -> JsValue {
        output::to_js(self.session.poll())
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> Result<Ts<Snapshot>, JsError> {
        Ok(self.session.snapshot().clone().into_ts()?)
    }

    /// Seals one encoded frame of an own track.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer> | SealRefusal")]
    pub fn seal(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Source")] source: &str,
        #[wasm_bindgen(unchecked_param_type = "Codec")] codec: &str,
        frame: &[u8],
        now: f64,
    ) -> JsValue {
        let (Some(source), Some(codec)) = (words::source(source), words::codec(codec)) else { return words::MALFORMED.into() };
        match self.session.seal(source, codec, frame, time(now)) {
            Ok(sealed) => Uint8Array::from(&sealed[..]).into(),
            Err(error) => words::seal(error).into(),
        }
    }

    /// Takes one sealed frame that came on the track `source` of the member `owner`. Gives it back opened, or `undefined`: then drain
    /// `poll`, which says now or later what became of the frame that you call `id`.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array<ArrayBuffer> | undefined | \"malformed\"")]
    pub fn receive(
        &mut self,
        owner: &str,
        #[wasm_bindgen(unchecked_param_type = "Source")] source: &str,
        #[wasm_bindgen(unchecked_param_type = "Codec")] codec: &str,
        id: u32,
        frame: &[u8],
        now: f64,
    ) -> JsValue {
        let (Ok(owner), Some(source), Some(codec)) = (owner.parse::<MemberId>(), words::source(source), words::codec(codec)) else {
            return words::MALFORMED.into();
        };
        // What the transport loses, the browser itself asks for again.
        let frame = SealedFrame { id, codec, contiguous: true, bytes: frame };
        self.session.receive(owner, source, frame, time(now)).map_or(JsValue::UNDEFINED, |opened| Uint8Array::from(&opened[..]).into())
    }

    /// The decoder of this track lacks its beginning. Then drain `poll`.
    #[wasm_bindgen(js_name = requestKeyFrame)]
    pub fn request_key_frame(&mut self, owner: &str, #[wasm_bindgen(unchecked_param_type = "Source")] source: &str, now: f64) {
        if let (Ok(owner), Some(source)) = (owner.parse::<MemberId>(), words::source(source)) {
            self.session.request_key_frame(owner, source, time(now));
        }
    }
}

impl Session {
    fn handle(&mut self, input: Input, now: f64) -> Option<String> {
        self.session.handle(input, time(now)).err().map(|error| words::input(error).into())
    }
}

fn secret(bytes: Vec<u8>) -> Option<Secret<32>> {
    <[u8; 32]>::try_from(bytes).ok().map(Secret::new)
}

/// Casts of floats saturate: nonsense from JavaScript becomes the origin or "never", never a panic.
fn time(millis: f64) -> Time {
    Time::from_micros((millis * 1000.0) as u64)
}

/// "Never" is no number.
pub(crate) fn to_millis(time: Time) -> JsValue {
    if time == Time::MAX { JsValue::NULL } else { (time.as_micros() as f64 / 1000.0).into() }
}
