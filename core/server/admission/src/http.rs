//! Making and looking up meetings.

use conclave_base::{MeetingId, Time};
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, MeetingCreated, MeetingInfo, UpdateMeeting};
use conclave_protocol::{host, limits};
use ed25519_dalek::VerifyingKey;

use crate::admission::{Admission, Pending};
use crate::allowances::{Counted, millis};
use crate::api::{
    Block, HttpRequest, HttpRequestId, HttpResponse, InputError, OrderError, Output, Plan, Record, RequestId, StoreError, Terms,
};
use crate::authentication::is_signed_by;
use crate::host_keys::HostsWish;
use crate::passphrase;

impl Admission {
    pub(crate) fn on_http_request(&mut self, id: HttpRequestId, block: Block, request: HttpRequest, now: Time) {
        // First what the block may: who is beyond that takes nothing from the others.
        if !(self.budgets.take_request(block, now) && self.lookups.take(1, now)) {
            self.counters.limited += 1;
            return self.refuse(id, ApiErrorCode::Busy);
        }
        if let Err(code) = self.validate(&request) {
            return self.refuse(id, code);
        }
        let count = match &request {
            HttpRequest::Create(_, terms) => self.names.creation(block, self.config.creations, terms.quota),
            HttpRequest::Update(_) | HttpRequest::OfferHostKey(_) => self.names.creation(block, self.config.creations, None),
            HttpRequest::EvaluatePassphrase(asked) => self.names.a_try(asked.meeting, &asked.blinded, block),
            HttpRequest::LookupMeeting(_) | HttpRequest::PassphraseRight(_) | HttpRequest::AskHostKeys(_) | HttpRequest::TakeHostKey(_) => {
                return self.perform(id, request, now);
            }
        };
        let request = Some(self.new_request(Pending::Counted(id, Box::new(request))));
        self.push(Output::Count { request, count });
    }

    /// Whether a request that is counted may be served.
    pub(crate) fn on_counted(&mut self, request: RequestId, counted: Result<Counted, OrderError>, now: Time) -> Result<(), InputError> {
        let (id, asked) = match self.pending.remove(&request) {
            Some(Pending::Counted(id, asked)) => (id, asked),
            Some(other) => {
                self.pending.insert(request, other);
                return Err(InputError::UnknownRequest);
            }
            None => return Err(InputError::UnknownRequest),
        };
        match counted {
            Ok(Counted::Done) => self.perform(id, *asked, now),
            Ok(Counted::Wait(wait)) => {
                self.counters.limited += 1;
                let retry_after = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                let response = match *asked {
                    HttpRequest::EvaluatePassphrase(_) => Ok(HttpResponse::TooManyTries { retry_after }),
                    HttpRequest::Create(_, Terms { quota: Some(_), .. }) => Ok(HttpResponse::TooManyMeetings { retry_after }),
                    HttpRequest::Create(..)
                    | HttpRequest::Update(_)
                    | HttpRequest::OfferHostKey(_)
                    | HttpRequest::LookupMeeting(_)
                    | HttpRequest::PassphraseRight(_)
                    | HttpRequest::AskHostKeys(_)
                    | HttpRequest::TakeHostKey(_) => Err(ApiErrorCode::Busy),
                };
                self.push(Output::HttpResponse { id, response });
            }
            // Uncounted it would be without limit.
            Err(OrderError::Away | OrderError::Ended) => self.refuse(id, ApiErrorCode::Unavailable),
        }
        Ok(())
    }

    fn perform(&mut self, id: HttpRequestId, request: HttpRequest, now: Time) {
        let (meeting, pending) = match request {
            HttpRequest::Create(create, terms) => return self.create(id, create, terms.plan, now),
            HttpRequest::TakeHostKey(asked) => return self.on_take_host_key(id, &asked, now),
            HttpRequest::EvaluatePassphrase(asked) => return self.on_evaluate_passphrase(id, &asked),
            HttpRequest::Update(update) => (update.meeting, Pending::LoadForUpdate(id, update)),
            HttpRequest::LookupMeeting(lookup) => (lookup.meeting, Pending::LookupMeeting(id, lookup.meeting)),
            HttpRequest::OfferHostKey(offer) => (offer.meeting, Pending::LoadForHost(id, HostsWish::Offer(offer))),
            HttpRequest::AskHostKeys(ask) => (ask.meeting, Pending::LoadForHost(id, HostsWish::Ask(ask))),
            HttpRequest::PassphraseRight(right) => (right.meeting, Pending::LoadForRight(id, right)),
        };
        let request = self.new_request(pending);
        self.push(Output::LoadMeeting { request, meeting });
    }

    /// Before it is counted: whoever sends what no client sends loses nothing by it, and gets nothing.
    fn validate(&mut self, request: &HttpRequest) -> Result<(), ApiErrorCode> {
        let is_well_formed = match request {
            HttpRequest::Create(create, _) if create.sealed_meta.len() > limits::SEALED_META => return Err(ApiErrorCode::TooLarge),
            HttpRequest::Update(update) if update.sealed_meta.len() > limits::SEALED_META => return Err(ApiErrorCode::TooLarge),
            HttpRequest::OfferHostKey(offer) if offer.sealed.len() > limits::SEALED_HOST_KEY => return Err(ApiErrorCode::TooLarge),
            HttpRequest::Create(create, _) => {
                let key = VerifyingKey::from_bytes(&create.admission_key);
                create.expires_in > 0 && key.is_ok_and(|key| !key.is_weak())
            }
            HttpRequest::EvaluatePassphrase(asked) => passphrase::is_well_formed(asked),
            HttpRequest::Update(_)
            | HttpRequest::OfferHostKey(_)
            | HttpRequest::LookupMeeting(_)
            | HttpRequest::PassphraseRight(_)
            | HttpRequest::AskHostKeys(_)
            | HttpRequest::TakeHostKey(_) => true,
        };
        if is_well_formed {
            return Ok(());
        }
        self.counters.malformed += 1;
        Err(ApiErrorCode::Malformed)
    }

    fn create(&mut self, id: HttpRequestId, create: CreateMeeting, plan: Plan, now: Time) {
        let lifetime = create.expires_in.min(self.config.lifetime.as_secs());
        let record = Record {
            meeting: create.meeting,
            admission_key: create.admission_key,
            host_fingerprint: create.host_fingerprint,
            sealed_meta: create.sealed_meta,
            expires_at: now.as_millis() / 1000 + lifetime,
            plan,
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
                | Pending::Counted(..)
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
        let response = found(record, now).map(|record| {
            let inside = self.sessions.get(&record.meeting).map_or(0, |session| session.connected());
            let (limit, lasts) = (record.people(&self.config), record.plan.lasts.map(millis));
            HttpResponse::Info(MeetingInfo { sealed_meta: record.sealed_meta, expires_at: record.expires_at, inside, limit, lasts })
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
