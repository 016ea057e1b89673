//! [`conclave_session::Output`] as JavaScript reads it.

use conclave_session::Output;
use wasm_bindgen::prelude::*;

use crate::object::Fields;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What the brain asks of the shell; drained by `Session.poll` until "idle". */
export type Output =
  /** POST `body` (JSON); answer with `httpDone` or `httpFailed`. */
  | { kind: "http"; path: string; body: Uint8Array<ArrayBuffer> }
  /** Open a WebSocket to /api/live; answer with `opened` or `closed`. */
  | { kind: "connect" }
  | { kind: "send"; bytes: Uint8Array<ArrayBuffer> }
  /** Close it; `closed` is not expected. */
  | { kind: "disconnect" }
  | { kind: "snapshotChanged" }
  /** Connect to the media server, or keep the token for later reconnects when the identity is the same. */
  | { kind: "mediaToken"; url: string | null; jwt: string }
  /** Own video encoders owe a key frame. */
  | { kind: "keyFrameWanted" }
  /** Nothing more until then (Unix milliseconds; null is never) or until the next input. */
  | { kind: "idle"; until: number | null };
"#;

pub(crate) fn to_js(output: Output) -> JsValue {
    match output {
        Output::Http { path, body } => Fields::kind("http").with("path", path).bytes("body", &body),
        Output::Connect => Fields::kind("connect"),
        Output::Send(bytes) => Fields::kind("send").bytes("bytes", &bytes),
        Output::Disconnect => Fields::kind("disconnect"),
        Output::SnapshotChanged => Fields::kind("snapshotChanged"),
        Output::MediaToken { url, jwt } => {
            let url = url.map_or(JsValue::NULL, JsValue::from);
            Fields::kind("mediaToken").with("url", url).with("jwt", jwt)
        }
        Output::KeyFrameWanted => Fields::kind("keyFrameWanted"),
        Output::Idle(until) => Fields::kind("idle").with("until", until.map_or(JsValue::NULL, crate::session::to_millis)),
    }
    .into()
}
