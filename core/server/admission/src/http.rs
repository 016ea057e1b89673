//! Making and looking up meetings.

use conclave_base::{MeetingId, Time};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, MeetingCreated, MeetingInfo, UpdateMeeting};
use conclave_protocol::{host, limits};
use ed25519_dalek::VerifyingKey;

use crate::admission::{Admission, Pending};
use crate::api::{Block, HttpRequest, HttpRequestId, HttpResponse, InputError, Output, Record, RequestId, StoreError};
use crate::authentication::is_signed_by;
use crate::host_keys::HostsWish;

impl Admission {
    pub(crate) fn on_http_request(&mut self, id: HttpRequestId, block: Block, request: HttpRequest, now: Time) {
        // First what the block may: who is beyond that takes nothing from the others.
        let within_rate = match &request {
            HttpRequest::Create(_) | HttpRequest::Update(_) | HttpRequest::OfferHostKey(_) => {
                self.budgets.take_creation(block, now) && self.creations.take(1, now)
            }
            HttpRequest::LookupMeeting(_)
            | HttpRequest::EvaluatePassphrase(_)
            | HttpRequest::PassphraseRight(_)
            | HttpRequest::AskHostKeys(_)
            | HttpRequest::TakeHostKey(_) => self.budgets.take_request(block, now) && self.lookups.take(1, now),
        };
        if !within_rate {
            self.counters.limited += 1;
            return self.refuse(id, ApiErrorCode::Busy);
        }
        match request {
            HttpRequest::Create(create) => match self.validate(&create) {
                Ok(()) => self.create(id, create, now),
                Err(code) => self.refuse(id, code),
            },
            HttpRequest::Update(update) if update.sealed_meta.len() > limits::SEALED_META => self.refuse(id, ApiErrorCode::TooLarge),
            HttpRequest::Update(update) => {
                let meeting = update.meeting;
                let request = self.new_request(Pending::LoadForUpdate(id, update));
                self.push(Output::LoadMeeting { request, meeting });
            }
            HttpRequest::LookupMeeting(lookup) => {
                let meeting = lookup.meeting;
                let request = self.new_request(Pending::LookupMeeting(id, meeting));
                self.push(Output::LoadMeeting { request, meeting });
            }
            HttpRequest::OfferHostKey(offer) if offer.sealed.len() > limits::SEALED_HOST_KEY => self.refuse(id, ApiErrorCode::TooLarge),
            HttpRequest::OfferHostKey(offer) => {
                let meeting = offer.meeting;
                let request = self.new_request(Pending::LoadForHost(id, HostsWish::Offer(offer)));
                self.push(Output::LoadMeeting { request, meeting });
            }
            HttpRequest::AskHostKeys(ask) => {
                let meeting = ask.meeting;
                let request = self.new_request(Pending::LoadForHost(id, HostsWish::Ask(ask)));
                self.push(Output::LoadMeeting { request, meeting });
            }
            HttpRequest::TakeHostKey(asked) => self.on_take_host_key(id, &asked, now),
            HttpRequest::EvaluatePassphrase(asked) => self.on_evaluate_passphrase(id, block, &asked, now),
            HttpRequest::PassphraseRight(right) => {
                let meeting = right.meeting;
                let request = self.new_request(Pending::LoadForRight(id, right));
                self.push(Output::LoadMeeting { request, meeting });
            }
        }
    }

    fn validate(&mut self, create: &CreateMeeting) -> Result<(), ApiErrorCode> {
        if create.sealed_meta.len() > limits::SEALED_META {
            return Err(ApiErrorCode::TooLarge);
        }
        let key = VerifyingKey::from_bytes(&create.admission_key);
        if create.expires_in == 0 || !key.is_ok_and(|key| !key.is_weak()) {
            self.counters.malformed += 1;
            return Err(ApiErrorCode::Malformed);
        }
        Ok(())
    }

    fn create(&mut self, id: HttpRequestId, create: CreateMeeting, now: Time) {
        let lifetime = create.expires_in.min(self.config.lifetime.as_secs());
        let record = Record {
            meeting: create.meeting,
            admission_key: create.admission_key,
            host_fingerprint: create.host_fingerprint,
            sealed_meta: create.sealed_meta,
            expires_at: now.as_millis() / 1000 + lifetime,
        };
        let request = self.new_request(Pending::Create { id, expires_at: record.expires_at });
        self.push(Output::StoreMeeting { request, record });
    }

    /// Whoever holds the key whose fingerprint came with the meeting is its host; the server can check that without knowing the link.
    pub(crate) fn on_loaded_for_update(
        &mut self,
        id: HttpRequestId,
        update: UpdateMeeting,
        record: Result<Option<Record>, StoreError>,
        now: Time,
    ) {
        let record = match found(record, now) {
            Ok(record) => record,
            Err(code) => return self.refuse(id, code),
        };
        let UpdateMeeting { meeting, host_key, sealed_meta, signature } = update;
        let claim = host::update_claim(&meeting, &sealed_meta);
        let is_host = host::fingerprint(&host_key) == record.host_fingerprint && is_signed_by(&host_key, &claim, &signature);
        if !is_host {
            self.counters.malformed += 1;
            return self.refuse(id, ApiErrorCode::NotHost);
        }
        let request = self.new_request(Pending::Update(id));
        self.push(Output::UpdateMeeting { request, meeting, sealed_meta });
    }

    pub(crate) fn on_meeting_stored(&mut self, request: RequestId, result: Result<(), StoreError>) -> Result<(), InputError> {
        let (id, done) = match self.pending.remove(&request) {
            Some(Pending::Create { id, expires_at }) => (id, HttpResponse::Created(MeetingCreated { expires_at })),
            Some(Pending::Update(id)) => (id, HttpResponse::Updated),
            Some(
                Pending::Connection(_)
                | Pending::LookupMeeting(..)
                | Pending::LoadForUpdate(..)
                | Pending::LoadForRight(..)
                | Pending::LoadForHost(..)
                | Pending::Enter(_)
                | Pending::Append(_),
            )
            | None => {
                return Err(InputError::UnknownRequest);
            }
        };
        let response = match result {
            Ok(()) => Ok(done),
            Err(StoreError::Exists) => Err(ApiErrorCode::Exists),
            Err(StoreError::Full) => Err(ApiErrorCode::Full),
            Err(StoreError::Busy) => Err(ApiErrorCode::Unavailable),
            Err(StoreError::Failed) => Err(ApiErrorCode::Internal),
        };
        self.push(Output::HttpResponse { id, response });
        Ok(())
    }

    pub(crate) fn on_lookup_loaded(
        &mut self,
        id: HttpRequestId,
        meeting: &MeetingId,
        record: Result<Option<Record>, StoreError>,
        now: Time,
    ) {
        // A session that goes on is not to notice that the storage fails.
        let record = record.or_else(|error| self.sessions.get(meeting).map(|session| Some(session.record.clone())).ok_or(error));
        let response = found(record, now).map(|Record { meeting, sealed_meta, expires_at, .. }| {
            let inside = self.sessions.get(&meeting).map_or(0, |session| session.connected());
            HttpResponse::Info(MeetingInfo { sealed_meta, expires_at, inside, limit: self.config.people })
        });
        self.push(Output::HttpResponse { id, response });
    }

    pub(crate) fn refuse(&mut self, id: HttpRequestId, code: ApiErrorCode) {
        self.push(Output::HttpResponse { id, response: Err(code) });
    }
}

/// The record, if there is one that has not expired.
pub(crate) fn found(record: Result<Option<Record>, StoreError>, now: Time) -> Result<Record, ApiErrorCode> {
    match record {
        Ok(Some(record)) if !record.is_expired(now) => Ok(record),
        Ok(_) => Err(ApiErrorCode::NotFound),
        Err(StoreError::Busy) => Err(ApiErrorCode::Unavailable),
        Err(StoreError::Exists | StoreError::Full | StoreError::Failed) => Err(ApiErrorCode::Internal),
    }
}
