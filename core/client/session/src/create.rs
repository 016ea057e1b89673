use std::time::Duration;

use conclave_base::{Permission, Secret};
use conclave_protocol::http::CreateMeeting;
use conclave_protocol::limits::{PEOPLE, PROTOCOL, TITLE_CHARS};
use conclave_protocol::payload::Policy;
use ed25519_dalek::SigningKey;

use crate::keys::Keys;
use crate::rng::Rng;
use crate::{MeetingLink, meeting_record};

/// How long a meeting is kept unless the server shortens it.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A meeting that exists once the server took [`Created::body`].
#[derive(Debug)]
pub struct Created {
    /// To be shared with everybody who may come.
    pub link: MeetingLink,
    /// Seed of the host's Ed25519 key. It stays on this device.
    pub host: Secret<32>,
    /// Where to `POST` [`Self::body`]; 201 means done.
    pub path: &'static str,
    /// JSON, a [`CreateMeeting`].
    pub body: Vec<u8>,
}

/// Why no meeting was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum CreateError {
    /// Over [`TITLE_CHARS`], or with control characters.
    #[error("title too long or with control characters")]
    Title,
}

/// The title as it is kept.
pub(crate) fn check_title(title: &str) -> Result<&str, CreateError> {
    let title = title.trim();
    let fits = title.chars().count() <= TITLE_CHARS && !title.chars().any(char::is_control);
    if fits { Ok(title) } else { Err(CreateError::Title) }
}

/// A meeting to be made. By default its sound flows evenly, and everybody may do everything.
#[derive(Debug, Clone, Copy)]
pub struct NewMeeting<'a> {
    /// May be empty.
    pub title: &'a str,
    /// With one, the link alone does not let in.
    pub passphrase: Option<&'a str>,
    /// [`Policy::hides_speech`].
    pub hides_speech: bool,
    /// [`Policy::lobby`].
    pub lobby: bool,
    /// [`Policy::hosts_only`].
    pub hosts_only: &'a [Permission],
    /// [`Policy::mute_above`].
    pub mute_above: Option<u32>,
    /// [`Policy::limit`].
    pub limit: u32,
}

impl Default for NewMeeting<'_> {
    fn default() -> Self {
        Self { title: "", passphrase: None, hides_speech: true, lobby: false, hosts_only: &[], mute_above: None, limit: PEOPLE }
    }
}

/// Makes a meeting. `seed` is fresh randomness.
pub fn create(meeting: NewMeeting<'_>, seed: &Secret<32>) -> Result<Created, CreateError> {
    let NewMeeting { title, passphrase, hides_speech, lobby, hosts_only, mute_above, limit } = meeting;
    let title = check_title(title)?;
    let passphrase = passphrase.filter(|text| !text.is_empty());
    let mut rng = Rng::new(seed);
    let host = rng.secret();
    let host_key = SigningKey::from_bytes(host.expose());
    let public = host_key.verifying_key().to_bytes();
    let link = MeetingLink::new(&public, &rng.bytes());
    let keys = Keys::new(&link, passphrase);
    let policy = Policy {
        version: PROTOCOL,
        host_keys: vec![public],
        lobby,
        passphrase: passphrase.is_some(),
        hides_speech,
        hosts_only: hosts_only.to_vec(),
        mute_above,
        limit: limit.clamp(1, PEOPLE),
        suite: conclave_mls::SUITE,
    };
    let request = CreateMeeting {
        meeting: keys.meeting,
        admission_key: keys.admission.verifying_key().to_bytes(),
        host_fingerprint: link.host_fingerprint(),
        sealed_meta: meeting_record::seal(&keys, &host_key, title, policy, &mut rng),
        expires_in: KEPT.as_secs(),
    };
    let body = serde_json::to_vec(&request).expect("the type has no failing serializer");
    Ok(Created { link, host, path: conclave_protocol::paths::MEETINGS, body })
}
