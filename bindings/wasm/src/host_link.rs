use conclave_base::Secret;
use conclave_session::host_link::{self, HostLinkError, HostLinkKey, MadeHostLink, Request};
use conclave_session::{FoundLink, MeetingLink, meeting_link};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// What is to be POSTed.
#[derive(Serialize, Tsify)]
pub struct HostLinkRequest {
    path: &'static str,
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array<ArrayBuffer>")]
    body: Vec<u8>,
}

/// A host link, which counts once its request was answered with 204.
#[derive(Serialize, Tsify)]
pub struct HostLinkOffer {
    /// Whole URL: whoever opens it first can be host.
    url: String,
    /// As in `HostLinks`.
    id: String,
    request: HostLinkRequest,
}

/// What came of a host link.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum HostKeyAnswer {
    /// The host key.
    Taken {
        /// The meeting's own link, a whole URL.
        link: String,
        /// Its seed; it stays on this device.
        #[serde(with = "serde_bytes")]
        #[tsify(type = "Uint8Array<ArrayBuffer>")]
        host: Vec<u8>,
    },
    /// Nothing.
    Refused {
        /// Why.
        reason: HostLinkError,
    },
}

/// Offers the host key of a meeting that this device keeps. `seed` is 32 fresh random bytes.
#[wasm_bindgen(js_name = offerHostKey)]
pub fn offer_host_key(link: &str, host: Vec<u8>, origin: &str, seed: Vec<u8>, now: f64) -> Result<Ts<HostLinkOffer>, JsError> {
    let (link, host) = kept(link, host)?;
    let offered = host_link::offer(&link, &host, &crate::secret(seed)?, crate::time(now));
    let (key, request) = offered.ok_or_else(|| JsError::new("not the host key of this link"))?;
    Ok(crate::to_js(&HostLinkOffer { url: key.url(&link, origin), id: key.id(&link), request: request.into() }))
}

/// All host links of a meeting, of the last day.
#[derive(Serialize, Tsify)]
pub struct HostLinks {
    /// Newest first; none when that was no answer.
    links: Option<Vec<MadeHostLink>>,
}

/// Asks what became of the host links of a meeting that this device keeps; with `take_back` those that nobody has used work no more.
#[wasm_bindgen(js_name = askHostLinks)]
pub fn ask_host_links(link: &str, host: Vec<u8>, take_back: bool) -> Result<Ts<HostLinkRequest>, JsError> {
    let (link, host) = kept(link, host)?;
    Ok(crate::to_js(&HostLinkRequest::from(host_link::ask(&link, &host, take_back))))
}

/// Reads the answer.
#[wasm_bindgen(js_name = readHostLinks)]
pub fn read_host_links(status: u16, body: &[u8]) -> Ts<HostLinks> {
    crate::to_js(&HostLinks { links: host_link::made(status, body) })
}

/// A host link that somebody opened. It can be used once.
#[wasm_bindgen]
pub struct HostLink {
    link: MeetingLink,
    key: HostLinkKey,
}

#[wasm_bindgen]
impl HostLink {
    /// Throws for what `readLink` does not call a host link.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<HostLink, JsError> {
        match meeting_link::find(text) {
            Ok(FoundLink { link, host: Some(key), .. }) => Ok(Self { link, key }),
            Ok(_) | Err(_) => Err(JsError::new("no host link")),
        }
    }

    /// Asks for the host key.
    pub fn request(&self) -> Ts<HostLinkRequest> {
        crate::to_js(&HostLinkRequest::from(self.key.take(&self.link)))
    }

    /// What the answer brought.
    pub fn finish(&self, status: u16, body: &[u8], origin: &str) -> Ts<HostKeyAnswer> {
        crate::to_js(&match self.key.on_answer(&self.link, status, body) {
            Ok(host) => HostKeyAnswer::Taken { link: self.link.url(origin), host: host.expose().to_vec() },
            Err(reason) => HostKeyAnswer::Refused { reason },
        })
    }
}

fn kept(link: &str, host: Vec<u8>) -> Result<(MeetingLink, Secret<32>), JsError> {
    Ok((MeetingLink::parse(link).map_err(|_| JsError::new("not a link"))?, crate::secret(host)?))
}

impl From<Request> for HostLinkRequest {
    fn from(Request { path, body }: Request) -> Self {
        Self { path, body }
    }
}
