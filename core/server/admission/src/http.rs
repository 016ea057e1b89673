//! Making and looking up meetings.

use conclave_base::Time;
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, MeetingCreated, MeetingInfo};
use conclave_protocol::limits;
use ed25519_dalek::VerifyingKey;

use crate::admission::{Admission, Pending};
use crate::api::{HttpRequest, HttpRequestId, HttpResponse, InputError, Output, Record, RequestId, StoreError};

impl Admission {
    pub(crate) fn on_http_request(&mut self, id: HttpRequestId, request: HttpRequest, now: Time) {
        // Per process, not per client: to tell clients apart, their addresses would have to be kept.
        let within_rate = match &request {
            HttpRequest::Create(_) => self.creations.take(1, now),
            HttpRequest::LookupMeeting(_) => self.lookups.take(1, now),
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
            HttpRequest::LookupMeeting(lookup) => {
                let request = self.new_request(Pending::LookupMeeting(id));
                self.push(Output::LoadMeeting { request, meeting: lookup.meeting });
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

    pub(crate) fn on_meeting_stored(&mut self, request: RequestId, result: Result<(), StoreError>) -> Result<(), InputError> {
        let Some(Pending::Create { id, expires_at }) = self.pending.remove(&request) else {
            return Err(InputError::UnknownRequest);
        };
        let response = match result {
            Ok(()) => Ok(HttpResponse::Created(MeetingCreated { expires_at })),
            Err(StoreError::Exists) => Err(ApiErrorCode::Exists),
            Err(StoreError::Full) => Err(ApiErrorCode::Busy),
            Err(StoreError::Failed) => Err(ApiErrorCode::Internal),
        };
        self.push(Output::HttpResponse { id, response });
        Ok(())
    }

    pub(crate) fn on_lookup_loaded(&mut self, id: HttpRequestId, record: Result<Option<Record>, StoreError>, now: Time) {
        match record {
            Ok(Some(record)) if !record.is_expired(now) => {
                let inside = self.sessions.get(&record.meeting).map_or(0, |session| session.connected());
                let Record { sealed_meta, expires_at, .. } = record;
                let info = MeetingInfo { sealed_meta, expires_at, inside, limit: self.config.people };
                self.push(Output::HttpResponse { id, response: Ok(HttpResponse::Info(info)) });
            }
            Ok(_) => self.refuse(id, ApiErrorCode::NotFound),
            Err(StoreError::Full) => self.refuse(id, ApiErrorCode::Busy),
            Err(StoreError::Exists | StoreError::Failed) => self.refuse(id, ApiErrorCode::Internal),
        }
    }

    fn refuse(&mut self, id: HttpRequestId, code: ApiErrorCode) {
        self.push(Output::HttpResponse { id, response: Err(code) });
    }
}
