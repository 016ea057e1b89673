use std::collections::BTreeMap;
use std::time::Duration;

use conclave_base::{Redacted, Time};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// How far the clocks of who mints and who verifies may be apart.
pub const LEEWAY: Duration = Duration::from_secs(10);

/// Largest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// An API key and its secret: who has them mints tokens (HS256, RFC 7519) that the media server believes.
#[derive(Clone)]
pub struct ApiKey {
    key: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Who may connect as whom, and do what: the content of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `sub`: the participant's identity.
    pub identity: Redacted<String>,
    /// Display name. Conclave mints it empty; other users of the SDKs may set it.
    pub name: Redacted<String>,
    /// Application data. As [`Self::name`].
    pub metadata: Redacted<String>,
    /// Application data. As [`Self::name`].
    pub attributes: Redacted<BTreeMap<String, String>>,
    /// What the participant may do.
    pub grants: Grants,
    /// It counts only while whoever minted it says that the identity is in the room, and not for as long as it lasts.
    pub revocable: bool,
}

/// The `video` claim. A field that a token leaves out means what LiveKit takes it to mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Grants {
    /// May join [`Self::room`].
    pub room_join: bool,
    /// The one room.
    pub room: Redacted<String>,
    /// May publish tracks; `None` is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// Sources that may be published (`camera`, `microphone`, `screen_share`, `screen_share_audio`); empty is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    /// May subscribe to tracks; `None` is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// May send data; `None` is as [`Self::can_publish`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// May make rooms.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_create: bool,
    /// May list rooms.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_list: bool,
    /// May remove participants from [`Self::room`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub room_admin: bool,
    /// Others are not told of this participant.
    pub hidden: bool,
    /// May change the own name, metadata and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
}

/// Why a token could not be minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// A claim does not serialize. Does not happen with these types.
    #[error("claims do not serialize")]
    Claims,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, another algorithm, or not signed by our secret.
    #[error("invalid token")]
    Invalid,
    /// Signed by our secret but for another key.
    #[error("unknown api key")]
    UnknownKey,
    /// `exp` has passed.
    #[error("token expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("token not valid yet")]
    NotYet,
}

/// As on the wire. `exp` and `nbf` are seconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    metadata: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    video: Grants,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    revocable: bool,
}

impl Grants {
    /// All that an ordinary participant of `room` may do.
    pub fn member(room: String) -> Self {
        Self { room_join: true, room: Redacted::new(room), ..Self::default() }
    }

    /// Whether tracks of `source` (as in [`Self::can_publish_sources`]) may be published.
    pub fn may_publish(&self, source: &str) -> bool {
        let listed = self.can_publish_sources.is_empty() || self.can_publish_sources.iter().any(|s| s == source);
        self.can_publish != Some(false) && listed
    }

    /// Whether tracks may be subscribed to.
    pub fn may_subscribe(&self) -> bool {
        self.can_subscribe != Some(false)
    }

    /// Whether data may be sent.
    pub fn may_publish_data(&self) -> bool {
        self.can_publish_data.or(self.can_publish) != Some(false)
    }
}

impl ApiKey {
    /// The key `key` with its `secret`.
    pub fn new(key: impl Into<String>, secret: &[u8]) -> Self {
        Self { key: key.into(), encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }
    }

    /// A token for `access`, valid from `now` for `ttl`. `now` is Unix time.
    pub fn mint(&self, access: &Access, now: Time, ttl: Duration) -> Result<String, MintError> {
        let claims = Claims {
            iss: self.key.clone(),
            sub: access.identity.expose().clone(),
            nbf: seconds(now),
            exp: seconds(now + ttl),
            name: access.name.expose().clone(),
            metadata: access.metadata.expose().clone(),
            attributes: access.attributes.expose().clone(),
            video: access.grants.clone(),
            revocable: access.revocable,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|_| MintError::Claims)
    }

    /// Reads a token and believes it or not. `now` is Unix time.
    pub fn verify(&self, token: &str, now: Time) -> Result<Access, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Invalid);
        }
        // The library would read the clock; times are checked below.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).map_err(|_| TokenError::Invalid)?.claims;
        if claims.iss != self.key {
            return Err(TokenError::UnknownKey);
        }
        if seconds(now) >= claims.exp.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenError::Expired);
        }
        if claims.nbf > seconds(now + LEEWAY) {
            return Err(TokenError::NotYet);
        }
        Ok(Access {
            identity: Redacted::new(claims.sub),
            name: Redacted::new(claims.name),
            metadata: Redacted::new(claims.metadata),
            attributes: Redacted::new(claims.attributes),
            grants: claims.video,
            revocable: claims.revocable,
        })
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(···)")
    }
}

fn seconds(time: Time) -> u64 {
    time.as_millis() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(1_800_000_000_000);
    const TTL: Duration = Duration::from_secs(60);

    fn key() -> ApiKey {
        ApiKey::new("key", b"secret")
    }

    fn access() -> Access {
        Access {
            identity: Redacted::new("ann".into()),
            grants: Grants { can_publish_sources: vec!["camera".into()], ..Grants::member("room".into()) },
            ..Access::default()
        }
    }

    #[test]
    fn a_minted_token_is_believed_while_it_lasts() {
        let token = key().mint(&access(), NOW, TTL).expect("mints");
        assert_eq!(key().verify(&token, NOW), Ok(access()));
        let revocable = Access { revocable: true, ..access() };
        assert_eq!(key().verify(&key().mint(&revocable, NOW, TTL).expect("mints"), NOW), Ok(revocable));
        assert_eq!(key().verify(&token, NOW + TTL + LEEWAY), Err(TokenError::Expired));
        assert_eq!(key().verify(&token, Time::from_millis(NOW.as_millis() - 11_000)), Err(TokenError::NotYet));
    }

    #[test]
    fn only_our_key_and_secret_count() {
        let token = key().mint(&access(), NOW, TTL).expect("mints");
        assert_eq!(ApiKey::new("key", b"other").verify(&token, NOW), Err(TokenError::Invalid));
        assert_eq!(ApiKey::new("other", b"secret").verify(&token, NOW), Err(TokenError::UnknownKey));
        assert_eq!(key().verify(&token[..token.len() - 2], NOW), Err(TokenError::Invalid));
        assert_eq!(key().verify("", NOW), Err(TokenError::Invalid));
        assert_eq!(key().verify(&"a".repeat(MAX_TOKEN + 1), NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        use base64::Engine as _;
        let b64 = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"iss":"key","sub":"ann","exp":9999999999}"#;
        let token = format!("{}.{}.", b64(r#"{"alg":"none","typ":"JWT"}"#), b64(claims));
        assert_eq!(key().verify(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn what_a_token_leaves_out_is_allowed_as_livekit_does() {
        let grants = Grants::member("room".into());
        assert!(grants.may_publish("camera") && grants.may_subscribe() && grants.may_publish_data());
        assert!(!access().grants.may_publish("microphone"));
        let mute = Grants { can_publish: Some(false), ..grants };
        assert!(!mute.may_publish("camera") && !mute.may_publish_data());
    }

    #[test]
    fn nothing_of_a_token_is_printed() {
        let shown = format!("{:?} {:?}", access(), key());
        assert!(!shown.contains("ann") && !shown.contains("room\""), "{shown}");
    }
}
