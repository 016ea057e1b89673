//! The host key on its way to another device: a second link, for one use.
//!
//! ```text
//!  meeting's link ‖ "." ‖ K (16 bytes, 22 characters of base64url), all of it behind the `#`
//! ```
//! The host key itself does not stand in it. It lies at the server for a day, sealed with a key that comes from link and K, under a name that comes
//! from both too, until somebody takes it or its host takes it back; so who finds the link later finds nothing. The server says which of these
//! happened, and who tried later. Whoever takes it is a host from then on, as the device that offered it is, and is told of inside
//! (`NoticeKind::HostElsewhere`), whatever the server says.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_base::{Secret, Time};
use conclave_protocol::host::{ask_claim, fingerprint, offer_claim};
use conclave_protocol::http::{AskHostKeys, HostKeyOffers, HostKeyState, HostKeyTaken, OfferHostKey, TakeHostKey};
use conclave_protocol::limits::HOST_KEY_KEPT;
use conclave_protocol::paths;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::MeetingLink;
use crate::envelope::Envelope;
use crate::keys::{expand, extract};
use crate::meeting_link::page_url;
use crate::rng::Rng;

/// Characters of K.
pub const CHARS: usize = 22;
/// Stands between the meeting's link and K.
pub const SEPARATOR: char = '.';
/// In the AAD, where a log entry has its class.
const CODE: u8 = 0x90;

/// The half that a host link has more than the meeting's link.
#[derive(Clone, PartialEq, Eq)]
pub struct HostLinkKey(Secret<16>);

/// What is to be `POST`ed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub path: &'static str,
    /// JSON.
    pub body: Vec<u8>,
}

/// A host link that was made, as the server says. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub struct MadeHostLink {
    /// As [`HostLinkKey::id`].
    pub id: String,
    /// Then it works no more.
    pub until: f64,
    /// What became of it.
    pub state: HostLinkState,
    /// How often somebody tried it after it was used or taken back.
    pub tried: u32,
}

/// What became of a host link.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify))]
#[cfg_attr(feature = "ts", serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase"))]
pub enum HostLinkState {
    /// Nobody used it yet.
    Waiting,
    /// Somebody used it, and is a host.
    Used {
        /// When.
        at: f64,
    },
    /// The host took it back.
    TakenBack,
}

/// Why no host key came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(serde::Serialize, tsify::Tsify), serde(rename_all = "camelCase"))]
pub enum HostLinkError {
    /// Somebody used it before.
    #[error("host link used before")]
    Used,
    /// It was taken back, or is older than a day.
    #[error("host link taken back or too old")]
    Gone,
    /// What the server has in its place is not the host key of this meeting.
    #[error("not this meeting's host key")]
    Wrong,
    /// The server did not answer, or did not want to.
    #[error("no answer")]
    Unreachable,
}

impl HostLinkKey {
    /// Reads it where it follows a meeting's link.
    pub(crate) fn at_start(text: &str) -> Option<Self> {
        let text = text.strip_prefix(SEPARATOR)?;
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(text.len());
        let bytes = URL_SAFE_NO_PAD.decode(text.get(..CHARS).filter(|_| end == CHARS)?).ok()?;
        Some(Self(Secret::new(bytes.try_into().ok()?)))
    }

    /// What stands behind the `#` of a host link.
    pub fn fragment(&self, link: &MeetingLink) -> String {
        format!("{}{SEPARATOR}{}", link.fragment(), URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// As [`MeetingLink::url`].
    pub fn url(&self, link: &MeetingLink, origin: &str) -> String {
        page_url(origin, &self.fragment(link))
    }

    /// Names it, and opens nothing.
    pub fn id(&self, link: &MeetingLink) -> String {
        id_of(&self.derive(link).0)
    }

    /// Asks for the host key. It can be taken once.
    pub fn take(&self, link: &MeetingLink) -> Request {
        let (offer, _) = self.derive(link);
        request(paths::HOST_KEY_TAKE, &TakeHostKey { meeting: link.meeting(), offer })
    }

    /// Reads the answer: the seed of the host key.
    pub fn on_answer(&self, link: &MeetingLink, status: u16, body: &[u8]) -> Result<Secret<32>, HostLinkError> {
        match status {
            200 => {}
            404 => return Err(HostLinkError::Gone),
            410 => return Err(HostLinkError::Used),
            _ => return Err(HostLinkError::Unreachable),
        }
        let taken: HostKeyTaken = serde_json::from_slice(body).map_err(|_| HostLinkError::Wrong)?;
        let (_, key) = self.derive(link);
        let plain = Envelope::new(&key, link.meeting()).open_as(CODE, &taken.sealed).map_err(|_| HostLinkError::Wrong)?;
        let seed = Secret::new(Zeroizing::new(plain).as_slice().try_into().map_err(|_| HostLinkError::Wrong)?);
        if is_host(link, &seed) { Ok(seed) } else { Err(HostLinkError::Wrong) }
    }

    fn offer(&self, link: &MeetingLink, host: &Secret<32>, sealed: Vec<u8>, expires_at: u64) -> Request {
        let (meeting, (offer, _)) = (link.meeting(), self.derive(link));
        let key = SigningKey::from_bytes(host.expose());
        let signature = key.sign(&offer_claim(&meeting, &offer, &sealed, expires_at)).to_bytes();
        request(paths::HOST_KEY, &OfferHostKey { meeting, host_key: key.verifying_key().to_bytes(), offer, sealed, expires_at, signature })
    }

    /// The name under which the host key lies at the server, and what seals it.
    fn derive(&self, link: &MeetingLink) -> ([u8; 16], Secret<32>) {
        let root = extract(&Zeroizing::new([link.all().as_slice(), self.0.expose()].concat()));
        (*expand::<16>(&root, b"host link").expose(), expand(&root, b"host link key"))
    }
}

/// Offers the host key of a meeting. `host` is its seed, `seed` fresh randomness, `now` Unix time; the link counts once the request was answered with 204. `None` if it
/// is not this meeting's host key.
pub fn offer(link: &MeetingLink, host: &Secret<32>, seed: &Secret<32>, now: Time) -> Option<(HostLinkKey, Request)> {
    if !is_host(link, host) {
        return None;
    }
    let mut rng = Rng::new(seed);
    let key = HostLinkKey(Secret::new(rng.bytes()));
    let (_, sealing) = key.derive(link);
    let sealed = Envelope::new(&sealing, link.meeting()).seal_as(CODE, host.expose(), &mut rng);
    let request = key.offer(link, host, sealed, (now + HOST_KEY_KEPT).as_millis() / 1000);
    Some((key, request))
}

/// Asks what became of the host links of a meeting, after taking back those that nobody has used if `take_back`. `host` is the seed of the host key.
pub fn ask(link: &MeetingLink, host: &Secret<32>, take_back: bool) -> Request {
    let (meeting, key) = (link.meeting(), SigningKey::from_bytes(host.expose()));
    let signature = key.sign(&ask_claim(&meeting, take_back)).to_bytes();
    let ask = AskHostKeys { meeting, host_key: key.verifying_key().to_bytes(), withdraw: take_back, signature };
    request(paths::HOST_KEY_OFFERS, &ask)
}

/// Reads the answer to [`ask`]: all host links of the last day, those that were made last first. `None` if it is none.
pub fn made(status: u16, body: &[u8]) -> Option<Vec<MadeHostLink>> {
    let answer: HostKeyOffers = serde_json::from_slice(body).ok().filter(|_| status == 200)?;
    let mut offers = answer.offers;
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.expires_at));
    let made = offers.into_iter().map(|offer| MadeHostLink {
        id: id_of(&offer.offer),
        until: millis(offer.expires_at),
        state: match offer.state {
            HostKeyState::Waiting => HostLinkState::Waiting,
            HostKeyState::Taken { at } => HostLinkState::Used { at: millis(at) },
            HostKeyState::Withdrawn => HostLinkState::TakenBack,
        },
        tried: offer.tried,
    });
    Some(made.collect())
}

fn id_of(offer: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(offer)
}

fn millis(seconds: u64) -> f64 {
    crate::screen::millis(Time::from_millis(seconds.saturating_mul(1000)))
}

fn is_host(link: &MeetingLink, seed: &Secret<32>) -> bool {
    fingerprint(SigningKey::from_bytes(seed.expose()).verifying_key().as_bytes()) == link.host_fingerprint()
}

fn request(path: &'static str, message: &impl serde::Serialize) -> Request {
    Request { path, body: serde_json::to_vec(message).expect("these types have no failing serializer") }
}

impl fmt::Debug for HostLinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostLinkKey(···)")
    }
}

#[cfg(test)]
mod tests {
    use conclave_protocol::http::HostKeyOffer;

    use super::*;
    use crate::meeting_link::find;

    const HOST: Secret<32> = Secret::new([4; 32]);

    fn link() -> MeetingLink {
        MeetingLink::new(SigningKey::from_bytes(HOST.expose()).verifying_key().as_bytes(), &[2; 16])
    }

    fn offered(seed: u8) -> (HostLinkKey, OfferHostKey) {
        let (key, request) = offer(&link(), &HOST, &Secret::new([seed; 32]), Time::ZERO).expect("the host's");
        (key, serde_json::from_slice(&request.body).expect("of ours"))
    }

    fn answer(sealed: Vec<u8>) -> Vec<u8> {
        serde_json::to_vec(&HostKeyTaken { sealed }).expect("no failing serializer")
    }

    #[test]
    fn the_host_key_arrives_by_the_link_and_nothing_else_does() {
        let (key, sent) = offered(1);
        let asked: TakeHostKey = serde_json::from_slice(&key.take(&link()).body).expect("of ours");
        assert_eq!(asked.offer, sent.offer);
        assert_eq!(key.on_answer(&link(), 200, &answer(sent.sealed.clone())), Ok(HOST));
        assert!(!sent.sealed.windows(8).any(|eight| eight == &HOST.expose()[..8]));
        let (other, of_other) = offered(2);
        assert!(of_other.offer != sent.offer && other != key);
        assert_eq!(other.on_answer(&link(), 200, &answer(sent.sealed.clone())), Err(HostLinkError::Wrong));
        assert_eq!(key.on_answer(&link(), 200, b"{}"), Err(HostLinkError::Wrong));
        assert_eq!(key.on_answer(&link(), 404, b""), Err(HostLinkError::Gone));
        assert_eq!(key.on_answer(&link(), 410, b""), Err(HostLinkError::Used));
        assert_eq!(key.on_answer(&link(), 429, b""), Err(HostLinkError::Unreachable));
        let (_, sealing) = key.derive(&link());
        let impostor = Envelope::new(&sealing, link().meeting()).seal_as(CODE, &[5; 32], &mut Rng::new(&HOST));
        assert_eq!(key.on_answer(&link(), 200, &answer(impostor)), Err(HostLinkError::Wrong), "not the host of this link");
        assert!(offer(&link(), &Secret::new([5; 32]), &HOST, Time::ZERO).is_none(), "nobody else offers one");
    }

    #[test]
    fn a_host_link_is_found_where_a_link_is_and_a_guest_s_is_not_taken_for_one() {
        let (key, _) = offered(1);
        let url = key.url(&link(), "https://meet.example");
        assert_eq!(url.len(), link().url("https://meet.example").len() + 1 + CHARS);
        for text in [url.clone(), format!("Be host: <{url}>."), format!("{url}\nsee you"), key.fragment(&link())] {
            let found = find(&text).expect("a link");
            assert_eq!((found.link, found.host), (link(), Some(key.clone())), "{text}");
        }
        let cut = &url[..url.len() - 1];
        let guest = link().url("https://meet.example");
        for text in [cut, &guest, &format!("{guest}."), &format!("{guest}.Then"), &format!("{url}A")] {
            assert_eq!(find(text).expect("a link").host, None, "{text}");
        }
    }

    #[test]
    fn the_host_is_told_what_became_of_each() {
        let [first, second, third] = [1, 2, 3].map(|seed| offered(seed).0);
        let offer = |key: &HostLinkKey, expires_at, state| HostKeyOffer { offer: key.derive(&link()).0, expires_at, state, tried: 2 };
        let offers = vec![
            offer(&first, 10, HostKeyState::Waiting),
            offer(&second, 30, HostKeyState::Taken { at: 5 }),
            offer(&third, 20, HostKeyState::Withdrawn),
        ];
        let answer = serde_json::to_vec(&HostKeyOffers { offers }).expect("no failing serializer");
        let told = made(200, &answer).expect("an answer");
        let seen: Vec<_> = told.iter().map(|one| (one.id.clone(), one.until, one.state)).collect();
        let expected = [
            (second.id(&link()), 30_000.0, HostLinkState::Used { at: 5000.0 }),
            (third.id(&link()), 20_000.0, HostLinkState::TakenBack),
            (first.id(&link()), 10_000.0, HostLinkState::Waiting),
        ];
        assert_eq!(seen, expected);
        assert!(told.iter().all(|one| one.tried == 2));
        assert_eq!((made(403, &answer), made(200, b"{}")), (None, None));
        let asked: AskHostKeys = serde_json::from_slice(&ask(&link(), &HOST, true).body).expect("of ours");
        assert!(asked.withdraw && fingerprint(&asked.host_key) == link().host_fingerprint());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", offered(1).0), "HostLinkKey(···)");
    }
}
