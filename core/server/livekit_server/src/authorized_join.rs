//! The token of a client, verified once: before its WebSocket is accepted.

use conclave_base::Time;
use conclave_livekit_proto::join::{JoinError, Query};
use conclave_livekit_proto::{Access, ApiKey, TokenError};

use crate::limits;

/// Status and text of a refusal, as LiveKit's clients expect them of `/rtc/validate`, `/rtc/v1/validate` and of a refused upgrade.
pub type Refusal = (u16, &'static str);

/// A client that may join the room of its token. Only [`Self::verify`] makes one, so that nobody joins without.
pub struct AuthorizedJoin {
    pub(crate) access: Access,
    /// The join request is in it, not yet read.
    pub(crate) query: Query,
}

impl AuthorizedJoin {
    /// Whether a client with this query string (without `?`) and `Authorization` header may join. To be asked before a WebSocket is
    /// accepted at `/rtc` or `/rtc/v1`, and for a `GET` of `/validate` below them. `now` is Unix time.
    pub fn verify(key: &ApiKey, query: &str, authorization: Option<&str>, now: Time) -> Result<Self, Refusal> {
        let query = Query::parse(query).map_err(|e| match e {
            JoinError::TooLarge => (413, "query too large"),
            JoinError::Malformed => (400, "malformed query"),
        })?;
        let token = query.token(authorization).ok_or((401, "no token"))?;
        let access = key.verify(token, now).map_err(|e| match e {
            TokenError::Invalid | TokenError::UnknownKey => (401, "invalid token"),
            TokenError::Expired => (401, "token expired"),
            TokenError::NotYet => (401, "token not valid yet"),
        })?;
        let (identity, room) = (access.identity.expose(), access.grants.room.expose());
        if !access.grants.room_join || room.is_empty() {
            return Err((403, "token does not grant to join a room"));
        }
        if identity.is_empty() || identity.len() > limits::NAME || room.len() > limits::NAME {
            return Err((400, "identity or room name is empty or too long"));
        }
        let attributes: usize = access.attributes.expose().iter().map(|(k, v)| k.len() + v.len()).sum();
        if access.name.expose().len() > limits::LABEL || access.metadata.expose().len() > limits::METADATA || attributes > limits::METADATA
        {
            return Err((400, "name, metadata or attributes too long"));
        }
        Ok(Self { access, query })
    }
}
