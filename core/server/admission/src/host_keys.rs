//! Host keys on their way to other devices: sealed, in memory alone, each for one who takes it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use conclave_base::{MeetingId, Time};
use conclave_protocol::http::{
    ApiErrorCode, AskHostKeys, HostKeyOffer, HostKeyOffers, HostKeyState, HostKeyTaken, OfferHostKey, TakeHostKey,
};
use conclave_protocol::{host, limits};

use crate::admission::Admission;
use crate::api::{HttpRequestId, HttpResponse, Output, Record, StoreError};
use crate::authentication::is_signed_by;
use crate::http::found;

/// Of one meeting, with those that are gone and whose time is not over.
const OF_MEETING: usize = 32;
/// Of all meetings: what seven address blocks leave in two days, each at the rate at which it may make meetings.
const ALL: usize = 1 << 17;

/// By meeting and name. What was taken or withdrawn stays until its time is over, without the key: whoever recorded how it was left cannot
/// leave it again, and its host is told who tries.
#[derive(Debug, Default)]
pub(crate) struct HostKeys(BTreeMap<(MeetingId, [u8; 16]), Offered>);

#[derive(Debug)]
struct Offered {
    sealed: Vec<u8>,
    /// Unix seconds.
    expires_at: u64,
    state: HostKeyState,
    tried: u32,
}

/// What only a meeting's host can ask for.
#[derive(Debug)]
pub(crate) enum HostsWish {
    Offer(Box<OfferHostKey>),
    Ask(Box<AskHostKeys>),
}

impl Offered {
    fn is_over(&self, now: Time) -> bool {
        seconds(now) >= self.expires_at
    }

    /// The key is needed no more.
    fn become_gone(&mut self, state: HostKeyState) -> Vec<u8> {
        self.state = state;
        std::mem::take(&mut self.sealed)
    }
}

impl HostKeys {
    fn offer(&mut self, offer: OfferHostKey, now: Time) -> Result<(), ApiErrorCode> {
        let OfferHostKey { meeting, offer, sealed, expires_at, .. } = offer;
        // The host's clock may be off by a while.
        let latest = seconds(now + 2 * limits::HOST_KEY_KEPT);
        if expires_at <= seconds(now) || expires_at > latest {
            return Err(ApiErrorCode::Malformed);
        }
        if self.0.contains_key(&(meeting, offer)) {
            return Err(ApiErrorCode::Exists);
        }
        if self.0.range(names(meeting)).count() >= OF_MEETING || self.0.len() >= ALL {
            return Err(ApiErrorCode::Full);
        }
        self.0.insert((meeting, offer), Offered { sealed, expires_at, state: HostKeyState::Waiting, tried: 0 });
        Ok(())
    }

    fn take(&mut self, asked: &TakeHostKey, now: Time) -> Result<Vec<u8>, ApiErrorCode> {
        let offered = self.0.get_mut(&(asked.meeting, asked.offer)).filter(|offered| !offered.is_over(now));
        let offered = offered.ok_or(ApiErrorCode::NotFound)?;
        let refusal = match offered.state {
            HostKeyState::Waiting => return Ok(offered.become_gone(HostKeyState::Taken { at: seconds(now) })),
            HostKeyState::Taken { .. } => ApiErrorCode::Taken,
            HostKeyState::Withdrawn => ApiErrorCode::NotFound,
        };
        offered.tried = offered.tried.saturating_add(1);
        Err(refusal)
    }

    fn withdraw(&mut self, meeting: MeetingId) {
        let all = self.0.range_mut(names(meeting)).map(|(_, offered)| offered);
        for offered in all.filter(|offered| offered.state == HostKeyState::Waiting) {
            offered.become_gone(HostKeyState::Withdrawn);
        }
    }

    /// Those of a meeting whose time is not over.
    fn of(&self, meeting: MeetingId, now: Time) -> HostKeyOffers {
        let all = self.0.range(names(meeting)).filter(|(_, offered)| !offered.is_over(now));
        let offers = all.map(|((_, offer), Offered { expires_at, state, tried, .. })| HostKeyOffer {
            offer: *offer,
            expires_at: *expires_at,
            state: *state,
            tried: *tried,
        });
        HostKeyOffers { offers: offers.collect() }
    }

    /// Forgets those whose time is over.
    pub(crate) fn forget_old(&mut self, now: Time) {
        self.0.retain(|_, offered| !offered.is_over(now));
    }
}

impl Admission {
    pub(crate) fn on_loaded_for_host(&mut self, id: HttpRequestId, wish: HostsWish, record: Result<Option<Record>, StoreError>, now: Time) {
        let record = match found(record, now) {
            Ok(record) => record,
            Err(code) => return self.refuse(id, code),
        };
        let (host_key, claim, signature) = match &wish {
            HostsWish::Offer(offer) => {
                (&offer.host_key, host::offer_claim(&record.meeting, &offer.offer, &offer.sealed, offer.expires_at), &offer.signature)
            }
            HostsWish::Ask(ask) => (&ask.host_key, host::ask_claim(&record.meeting, ask.withdraw), &ask.signature),
        };
        if host::fingerprint(host_key) != record.host_fingerprint || !is_signed_by(host_key, &claim, signature) {
            self.counters.malformed += 1;
            return self.refuse(id, ApiErrorCode::NotHost);
        }
        let response = match wish {
            HostsWish::Offer(offer) => self.host_keys.offer(*offer, now).map(|()| HttpResponse::Noted),
            HostsWish::Ask(ask) => {
                if ask.withdraw {
                    self.host_keys.withdraw(record.meeting);
                }
                Ok(HttpResponse::HostKeyOffers(self.host_keys.of(record.meeting, now)))
            }
        };
        self.push(Output::HttpResponse { id, response });
    }

    pub(crate) fn on_take_host_key(&mut self, id: HttpRequestId, asked: &TakeHostKey, now: Time) {
        let taken = self.host_keys.take(asked, now).map(|sealed| HttpResponse::HostKey(HostKeyTaken { sealed }));
        self.push(Output::HttpResponse { id, response: taken });
    }
}

/// All names that a meeting's can have.
fn names(meeting: MeetingId) -> RangeInclusive<(MeetingId, [u8; 16])> {
    (meeting, [0; 16])..=(meeting, [u8::MAX; 16])
}

const fn seconds(at: Time) -> u64 {
    at.as_millis() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_do_not_fill_the_memory() {
        let mut keys = HostKeys::default();
        let offer = |keys: &mut HostKeys, n: u32| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let (meeting, expires_at) = (MeetingId::from_bytes(id), limits::HOST_KEY_KEPT.as_secs());
            keys.offer(
                OfferHostKey { meeting, host_key: [1; 32], offer: id, sealed: vec![2; 60], expires_at, signature: [3; 64] },
                Time::ZERO,
            )
        };
        assert_eq!((0..).find(|n| offer(&mut keys, *n).is_err()), u32::try_from(ALL).ok());
        assert_eq!(offer(&mut keys, u32::MAX), Err(ApiErrorCode::Full));
        keys.forget_old(Time::ZERO + limits::HOST_KEY_KEPT);
        assert!(keys.0.is_empty());
    }
}
