use conclave_session::{FoundLink, LinkError, meeting_link};
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// What a text holds that somebody pasted, or that stands in the address bar.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ReadLink {
    /// One link.
    Link {
        /// What stands behind its `#`.
        fragment: String,
        /// Whole URL.
        url: String,
        /// Of a host link, which brings the host key too: the fragment of the meeting's own link.
        guest: Option<String>,
    },
    /// No link to go by.
    Refused {
        /// Why.
        reason: LinkError,
    },
}

/// Finds the link in a text. `here` is the page's origin: a link that names no server belongs to it.
#[wasm_bindgen(js_name = readLink)]
pub fn read_link(text: &str, here: &str) -> Ts<ReadLink> {
    crate::to_js(&match meeting_link::find(text) {
        Ok(FoundLink { link, origin, host }) => {
            let origin = origin.as_deref().unwrap_or(here);
            match host {
                Some(key) => ReadLink::Link { fragment: key.fragment(&link), url: key.url(&link, origin), guest: Some(link.fragment()) },
                None => ReadLink::Link { fragment: link.fragment(), url: link.url(origin), guest: None },
            }
        }
        Err(reason) => ReadLink::Refused { reason },
    })
}
