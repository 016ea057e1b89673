//! [`conclave_session::Output`] as JavaScript reads it.

use conclave_base::Polled;
use conclave_session::Output;
use wasm_bindgen::prelude::*;

use crate::object::Fields;
use crate::words;

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
  | { kind: "mediaToken"; identity: string; url: string | null; jwt: string }
  /** Close the connection to the media server; a token may follow. */
  | { kind: "mediaDisconnect" }
  /** Own video encoders owe a key frame. */
  | { kind: "generateKeyFrame" }
  /** Subscribe to the tracks of these identities, and to no others. */
  | { kind: "subscribe"; identities: string[] }
  /** The frame with this number, which `receive` kept, is to be decoded now. */
  | { kind: "frameOpened"; id: number; frame: Uint8Array<ArrayBuffer> }
  /** The frame with this number must not be played. */
  | { kind: "frameDropped"; id: number }
  /** Pictures of this track were lost: ask for a key frame. */
  | { kind: "requestKeyFrame"; owner: string; source: Source }
  /** Nothing more until then (Unix milliseconds; null is never) or until the next input. */
  | { kind: "idle"; until: number | null };
"#;

pub(crate) fn to_js(polled: Polled<Output>) -> JsValue {
    let output = match polled {
        Polled::Output(output) => output,
        Polled::Idle(until) => return Fields::kind("idle").with("until", crate::session::to_millis(until)).into(),
    };
    match output {
        Output::Http { path, body } => Fields::kind("http").with("path", path).bytes("body", &body),
        Output::Connect => Fields::kind("connect"),
        Output::Send(bytes) => Fields::kind("send").bytes("bytes", &bytes),
        Output::Disconnect => Fields::kind("disconnect"),
        Output::SnapshotChanged => Fields::kind("snapshotChanged"),
        Output::MediaToken { identity, url, jwt } => {
            let url = url.map_or(JsValue::NULL, JsValue::from);
            Fields::kind("mediaToken").with("identity", identity.to_text()).with("url", url).with("jwt", jwt)
        }
        Output::MediaDisconnect => Fields::kind("mediaDisconnect"),
        Output::GenerateKeyFrame => Fields::kind("generateKeyFrame"),
        Output::Subscribe(identities) => {
            let identities: js_sys::Array = identities.iter().map(|who| JsValue::from(who.to_text())).collect();
            Fields::kind("subscribe").with("identities", identities)
        }
        Output::FrameOpened { id, frame } => Fields::kind("frameOpened").with("id", id).bytes("frame", &frame),
        Output::FrameDropped { id, .. } => Fields::kind("frameDropped").with("id", id),
        Output::RequestKeyFrame { owner, source } => {
            Fields::kind("requestKeyFrame").with("owner", owner.to_text()).with("source", words::of_source(source))
        }
    }
    .into()
}
