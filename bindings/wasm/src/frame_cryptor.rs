use conclave_base::{Codec, Machine as _, MemberId, Polled, Source};
use conclave_media_crypto::{CryptorInput, CryptorOutput, Layer, SealError, SealedFrame, Track};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::{idle, time, to_js};

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

/// What the frame cryptor asks for.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
pub enum CryptorStep {
    /// This.
    Output(CryptorOutput),
    /// Nothing until that moment or the next input; `undefined` is never.
    Idle(Option<f64>),
}

/// Seals and opens the frames of one meeting. `poll` until "idle" after everything but `seal`.
#[wasm_bindgen]
#[derive(Default)]
pub struct FrameCryptor {
    cryptor: conclave_media_crypto::FrameCryptor,
}

#[wasm_bindgen]
impl FrameCryptor {
    /// Without keys: nothing is sealed or opened.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// A "cryptor" output of the session. It may hold a key: erase what you passed.
    pub fn handle(&mut self, input: Vec<u8>, now: f64) -> Result<(), JsError> {
        let input = CryptorInput::from_bytes(&Zeroizing::new(input))?;
        let Ok(()) = self.cryptor.handle(input, time(now));
        Ok(())
    }

    /// The moment of "idle" has come.
    pub fn timeout(&mut self, now: f64) {
        let Ok(()) = self.cryptor.handle(CryptorInput::Timeout, time(now));
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Ts<CryptorStep> {
        to_js(&match self.cryptor.poll() {
            Polled::Output(output) => CryptorStep::Output(output),
            Polled::Idle(until) => CryptorStep::Idle(idle(until)),
        })
    }

    /// Seals one encoded frame of an own track; `layer` is another number for each of its simulcast layers.
    pub fn seal(&mut self, source: Ts<Source>, layer: u32, codec: Ts<Codec>, frame: &[u8], now: f64) -> Result<Ts<SealResult>, JsError> {
        let layer = Layer { source: source.to_rust()?, number: layer };
        let sealed = self.cryptor.seal(layer, codec.to_rust()?, frame, time(now));
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
        Ok(self.cryptor.receive(track(owner, source)?, frame, time(now)))
    }

    /// The decoder of this track lacks its beginning. Then drain `poll`.
    #[wasm_bindgen(js_name = requestKeyFrame)]
    pub fn request_key_frame(&mut self, owner: &str, source: Ts<Source>, now: f64) -> Result<(), JsError> {
        self.cryptor.request_key_frame(track(owner, source)?, time(now));
        Ok(())
    }
}

/// The media server may call a participant anything. A name that is no identity is nobody's, and nobody's frames are dropped.
fn track(owner: &str, source: Ts<Source>) -> Result<Track, JsError> {
    let owner = owner.parse().unwrap_or(MemberId::from_bytes([0; 16]));
    Ok(Track { owner, source: source.to_rust()? })
}
