use std::fmt;
use std::time::Duration;

use conclave_base::{Permission, Secret};
use conclave_protocol::http::{CreateMeeting, PassphraseEvaluated};
use conclave_protocol::limits::{PEOPLE, PROTOCOL, TITLE_CHARS};
use conclave_protocol::payload::Policy;
use ed25519_dalek::SigningKey;

use crate::keys::Keys;
use crate::passphrase::{self, Asked, Evaluated, OtherKey};
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
    /// Not as [`crate::passphrase`] wants one.
    #[error("passphrase too short, or too much the same")]
    Passphrase,
    /// The server did not do its part of the passphrase as it has to.
    #[error("the server did not do its part of the passphrase")]
    Server,
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
        Self { title: "", hides_speech: true, lobby: false, hosts_only: &[], mute_above: None, limit: PEOPLE }
    }
}

/// Makes a meeting to which the link lets in. `seed` is fresh randomness.
pub fn create(meeting: NewMeeting<'_>, seed: &Secret<32>) -> Result<Created, CreateError> {
    Draft::new(meeting, seed).map(|draft| draft.create(None))
}

/// A meeting with a passphrase beside the link, once the server has done its part of that.
pub struct CreationWithPassphrase {
    draft: Draft,
    asked: Asked,
    /// Where to `POST` [`Self::body`]; the answer is for [`Self::finish`].
    pub path: &'static str,
    /// JSON, an [`EvaluatePassphrase`](conclave_protocol::http::EvaluatePassphrase).
    pub body: Vec<u8>,
}

impl fmt::Debug for CreationWithPassphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreationWithPassphrase(···)")
    }
}

impl CreationWithPassphrase {
    /// `seed` is fresh randomness.
    pub fn new(meeting: NewMeeting<'_>, passphrase: &str, seed: &Secret<32>) -> Result<Self, CreateError> {
        let mut draft = Draft::new(meeting, seed)?;
        if !passphrase::is_long_enough(passphrase::tidy(passphrase)) {
            return Err(CreateError::Passphrase);
        }
        let asked = Asked::new(draft.link.meeting(), passphrase, &mut draft.rng).ok_or(CreateError::Passphrase)?;
        let body = serde_json::to_vec(&asked.request).expect("the type has no failing serializer");
        Ok(Self { draft, asked, path: conclave_protocol::paths::PASSPHRASE, body })
    }

    /// `body` is that of an answer with status 200. Which key the server answers by is signed by the host for all who come.
    pub fn finish(self, body: &[u8]) -> Result<Created, CreateError> {
        let answer: PassphraseEvaluated = serde_json::from_slice(body).map_err(|_| CreateError::Server)?;
        let evaluated = self.asked.finish(&answer, &answer.server_key).map_err(|OtherKey| CreateError::Server)?;
        Ok(self.draft.create(Some((&evaluated, answer.server_key))))
    }
}

/// What is the same with a passphrase and without.
struct Draft {
    title: String,
    /// But for the passphrase.
    policy: Policy,
    host: Secret<32>,
    link: MeetingLink,
    rng: Rng,
}

impl Draft {
    fn new(meeting: NewMeeting<'_>, seed: &Secret<32>) -> Result<Self, CreateError> {
        let NewMeeting { title, hides_speech, lobby, hosts_only, mute_above, limit } = meeting;
        let title = check_title(title)?.to_owned();
        let mut rng = Rng::new(seed);
        let host = rng.secret();
        let public = SigningKey::from_bytes(host.expose()).verifying_key().to_bytes();
        let link = MeetingLink::new(&public, &rng.bytes());
        let policy = Policy {
            version: PROTOCOL,
            host_keys: vec![public],
            lobby,
            passphrase: false,
            hides_speech,
            hosts_only: hosts_only.to_vec(),
            mute_above,
            limit: limit.clamp(1, PEOPLE),
            suite: conclave_mls::SUITE,
        };
        Ok(Self { title, policy, host, link, rng })
    }

    fn create(self, passphrase: Option<(&Evaluated, [u8; 32])>) -> Created {
        let Self { title, policy, host, link, mut rng } = self;
        let host_key = SigningKey::from_bytes(host.expose());
        let keys = Keys::new(&link, passphrase);
        let policy = Policy { passphrase: passphrase.is_some(), ..policy };
        let request = CreateMeeting {
            meeting: keys.meeting,
            admission_key: keys.admission.verifying_key().to_bytes(),
            host_fingerprint: link.host_fingerprint(),
            sealed_meta: meeting_record::seal(&keys, &host_key, &title, policy, &mut rng),
            expires_in: KEPT.as_secs(),
        };
        let body = serde_json::to_vec(&request).expect("the type has no failing serializer");
        Created { link, host, path: conclave_protocol::paths::MEETINGS, body }
    }
}
