use conclave_base::Redacted;
use conclave_session::meetings_file::{self, KeptMeeting, MeetingsFileError};
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// A meeting that this device keeps.
#[derive(Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    title: String,
    /// Whole URL: whoever reads it can come in.
    link: String,
    /// Unix milliseconds.
    created_at: u64,
    /// Seed of the host key.
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array<ArrayBuffer>")]
    host: Vec<u8>,
}

/// Several, as they cross the border.
#[derive(Serialize, Deserialize, Tsify)]
#[serde(transparent)]
pub struct KeptList(Vec<Kept>);

/// The file, or why there is none.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum SealedMeetings {
    /// To be written.
    Sealed {
        /// All of it.
        #[serde(with = "serde_bytes")]
        #[tsify(type = "Uint8Array<ArrayBuffer>")]
        file: Vec<u8>,
    },
    /// Nothing was made.
    Refused {
        /// Why.
        reason: MeetingsFileError,
    },
}

/// What was in a file, or why nothing was read.
#[derive(Serialize, Tsify)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum OpenedMeetings {
    /// It opened.
    Opened {
        /// What it holds.
        meetings: Vec<Kept>,
    },
    /// It did not.
    Refused {
        /// Why.
        reason: MeetingsFileError,
    },
}

/// Seals these meetings with a passphrase. `seed` is 32 fresh random bytes.
#[wasm_bindgen(js_name = sealMeetings)]
pub fn seal_meetings(meetings: Ts<KeptList>, passphrase: &str, seed: Vec<u8>) -> Result<Ts<SealedMeetings>, JsError> {
    let meetings = meetings.to_rust()?.0.into_iter().map(|Kept { title, link, created_at, host }| {
        Ok(KeptMeeting { title: Redacted::new(title), link: Redacted::new(link), created_at, host: crate::secret(host)? })
    });
    let meetings = meetings.collect::<Result<Vec<_>, JsError>>()?;
    Ok(crate::to_js(&match meetings_file::seal(&meetings, passphrase, &crate::secret(seed)?) {
        Ok(file) => SealedMeetings::Sealed { file },
        Err(reason) => SealedMeetings::Refused { reason },
    }))
}

/// Opens such a file.
#[wasm_bindgen(js_name = openMeetings)]
pub fn open_meetings(file: &[u8], passphrase: &str) -> Ts<OpenedMeetings> {
    crate::to_js(&match meetings_file::open(file, passphrase) {
        Ok(meetings) => OpenedMeetings::Opened { meetings: meetings.into_iter().map(Kept::from).collect() },
        Err(reason) => OpenedMeetings::Refused { reason },
    })
}

impl From<KeptMeeting> for Kept {
    fn from(KeptMeeting { title, link, created_at, host }: KeptMeeting) -> Self {
        Self { title: title.into_inner(), link: link.into_inner(), created_at, host: host.expose().to_vec() }
    }
}
