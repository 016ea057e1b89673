//! The query of a connection: `access_token`, and `join_request` or, in the older form, single parameters in its place.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use livekit_protocol::{ClientInfo, ConnectionSettings, JoinRequest, WrappedJoinRequest, wrapped_join_request::Compression};
use prost::Message as _;

/// Largest query string in bytes; the publisher's offer is in it.
pub const MAX_QUERY: usize = 64 * 1024;

/// Largest [`JoinRequest`] in bytes after decompression.
pub const MAX_JOIN_REQUEST: usize = 256 * 1024;

/// Browsers pad, other clients do not.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Why a query is not one of a LiveKit client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Query or join request larger than its bound.
    #[error("join request too large")]
    TooLarge,
    /// Bad percent sign, base64, gzip or protobuf.
    #[error("malformed join request")]
    Malformed,
}

/// What we read of a query string. Parameters that nobody needs are skipped.
#[derive(Default, Clone)]
pub struct Query {
    /// The token, when the client could not set a header (browsers).
    pub access_token: Option<String>,
    join_request: Option<String>,
    /// What the parameters of the older form say.
    older: Older,
}

/// The parameters of the older form, of which those that a client leaves out mean what LiveKit takes them to mean.
#[derive(Default, Clone)]
struct Older {
    auto_subscribe: Option<bool>,
    adaptive_stream: bool,
    reconnect: bool,
    sid: String,
    client: ClientInfo,
}

/// Whether a client uses one connection for all media, or one to send and one to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Version 1: the client offers all sections.
    SingleConnection,
    /// The older form: on the second connection the server offers.
    TwoConnections,
}

impl Query {
    /// Takes a query string apart, without its `?`.
    pub fn parse(query: &str) -> Result<Self, JoinError> {
        if query.len() > MAX_QUERY {
            return Err(JoinError::TooLarge);
        }
        let mut found = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let older = &mut found.older;
            match name {
                "access_token" => found.access_token = Some(percent_decode(value)?),
                "join_request" => found.join_request = Some(percent_decode(value)?).filter(|value| !value.is_empty()),
                "auto_subscribe" => older.auto_subscribe = Some(is_yes(value)),
                "adaptive_stream" => older.adaptive_stream = is_yes(value),
                "reconnect" => older.reconnect = is_yes(value),
                "sid" => older.sid = percent_decode(value)?,
                "version" => older.client.version = percent_decode(value)?,
                "protocol" => older.client.protocol = value.parse().unwrap_or_default(),
                "client_protocol" => older.client.client_protocol = value.parse().unwrap_or_default(),
                "os" => older.client.os = percent_decode(value)?,
                "browser" => older.client.browser = percent_decode(value)?,
                _ => {}
            }
        }
        Ok(found)
    }

    /// The token of the `Authorization` header's `Bearer`, else of the query.
    pub fn token<'a>(&'a self, authorization: Option<&'a str>) -> Option<&'a str> {
        let bearer = authorization.and_then(|h| h.strip_prefix("Bearer ").or_else(|| h.strip_prefix("bearer ")));
        bearer.map(str::trim).or(self.access_token.as_deref()).filter(|t| !t.is_empty())
    }

    /// What the client speaks.
    pub fn form(&self) -> Form {
        if self.join_request.is_some() { Form::SingleConnection } else { Form::TwoConnections }
    }

    /// What the client asks for, in either form.
    pub fn join_request(&self) -> Result<JoinRequest, JoinError> {
        let Some(text) = &self.join_request else { return Ok(self.older.join_request()) };
        let bytes = BASE64.decode(text).map_err(|_| JoinError::Malformed)?;
        let wrapped = WrappedJoinRequest::decode(&*bytes).map_err(|_| JoinError::Malformed)?;
        let plain = match Compression::try_from(wrapped.compression) {
            Ok(Compression::None) => wrapped.join_request,
            Ok(Compression::Gzip) => gunzip(&wrapped.join_request)?,
            Err(_) => return Err(JoinError::Malformed),
        };
        if plain.len() > MAX_JOIN_REQUEST {
            return Err(JoinError::TooLarge);
        }
        JoinRequest::decode(&*plain).map_err(|_| JoinError::Malformed)
    }
}

impl Older {
    fn join_request(&self) -> JoinRequest {
        JoinRequest {
            client_info: Some(self.client.clone()),
            connection_settings: Some(ConnectionSettings {
                auto_subscribe: self.auto_subscribe.unwrap_or(true),
                adaptive_stream: self.adaptive_stream,
                ..ConnectionSettings::default()
            }),
            reconnect: self.reconnect,
            participant_sid: self.sid.clone(),
            ..JoinRequest::default()
        }
    }
}

fn is_yes(value: &str) -> bool {
    value == "1" || value == "true"
}

/// The value of a client's `join_request` parameter, uncompressed and percent-encoded. Padded: LiveKit's server refuses it otherwise.
pub fn join_request_param(request: &JoinRequest) -> String {
    let wrapped = WrappedJoinRequest { compression: Compression::None.into(), join_request: request.encode_to_vec() };
    base64::engine::general_purpose::URL_SAFE.encode(wrapped.encode_to_vec()).replace('=', "%3D")
}

/// Stops one byte after the bound: a bomb is not unpacked.
fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, JoinError> {
    let mut plain = Vec::new();
    let limit = MAX_JOIN_REQUEST as u64 + 1;
    flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut plain).map_err(|_| JoinError::Malformed)?;
    Ok(plain)
}

fn percent_decode(text: &str) -> Result<String, JoinError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return Err(JoinError::Malformed) };
                bytes.push(u8::try_from(high << 4 | low).map_err(|_| JoinError::Malformed)?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| JoinError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn request() -> JoinRequest {
        JoinRequest { reconnect: true, participant_sid: "PA_1".into(), ..Default::default() }
    }

    fn param(compression: Compression, bytes: Vec<u8>) -> String {
        let wrapped = WrappedJoinRequest { compression: compression.into(), join_request: bytes };
        base64::engine::general_purpose::URL_SAFE.encode(wrapped.encode_to_vec()).replace('=', "%3D")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    #[test]
    fn plain_and_gzip_padded_and_not_are_read() {
        let gzipped = param(Compression::Gzip, gzip(&request().encode_to_vec()));
        for value in [join_request_param(&request()), gzipped] {
            let query = Query::parse(&format!("access_token=a.b%2Ec&x&join_request={value}")).expect("a good query");
            assert_eq!(query.join_request(), Ok(request()));
            assert_eq!(query.token(None), Some("a.b.c"));
        }
    }

    #[test]
    fn the_older_form_says_the_same_in_single_parameters() {
        let read = |query| {
            let query = Query::parse(query).expect("a good query");
            (query.form(), query.join_request().expect("a join request"))
        };
        // As LiveKit's Go SDK asks, with two `&` in a row.
        let (form, go) = read("version=2.19.0&protocol=16&&auto_subscribe=0&reconnect=1&sid=PA_1&sdk=go&os=linux");
        assert_eq!(form, Form::TwoConnections);
        assert!(go.reconnect && go.participant_sid == "PA_1" && !go.connection_settings.expect("settings").auto_subscribe);
        let client = go.client_info.expect("a client");
        assert_eq!((client.protocol, &*client.version, &*client.os), (16, "2.19.0", "linux"));
        let (form, least) = read("join_request=");
        assert!(form == Form::TwoConnections && !least.reconnect && least.connection_settings.expect("settings").auto_subscribe);
        assert_eq!(read(&format!("auto_subscribe=1&join_request={}", join_request_param(&request()))), (Form::SingleConnection, request()));
    }

    #[test]
    fn the_header_goes_before_the_query() {
        let query = Query::parse("access_token=q").expect("a good query");
        assert_eq!(query.token(Some("Bearer h")), Some("h"));
        assert_eq!(query.token(Some("Basic h")), Some("q"));
        assert_eq!(Query::default().token(None), None);
    }

    #[test]
    fn a_bomb_is_refused() {
        let value = param(Compression::Gzip, gzip(&vec![0; 50_000_000]));
        let query = Query::parse(&format!("join_request={value}")).expect("51 kB of query");
        assert_eq!(query.join_request(), Err(JoinError::TooLarge));
        assert_eq!(Query::parse(&"a".repeat(MAX_QUERY + 1)).err(), Some(JoinError::TooLarge));
    }

    #[test]
    fn garbage_is_an_error() {
        for (query, error) in [
            ("join_request=!!", JoinError::Malformed),
            ("join_request=_____w", JoinError::Malformed),
            (&format!("join_request={}", param(Compression::Gzip, vec![1, 2, 3])), JoinError::Malformed),
        ] {
            let parsed = Query::parse(query).and_then(|q| q.join_request());
            assert_eq!(parsed, Err(error), "{query}");
        }
        for query in ["access_token=%", "access_token=%g0", "access_token=%1", "access_token=%ff"] {
            assert_eq!(Query::parse(query).err(), Some(JoinError::Malformed), "{query}");
        }
    }
}
