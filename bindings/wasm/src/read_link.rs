use conclave_session::{LinkError, meeting_link};
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
        Ok(found) => ReadLink::Link { fragment: found.link.fragment(), url: found.link.url(found.origin.as_deref().unwrap_or(here)) },
        Err(reason) => ReadLink::Refused { reason },
    })
}
