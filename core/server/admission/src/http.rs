//! Making and looking up meetings.

use conclave_base::Time;
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, MeetingCreated, MeetingInfo};
use conclave_protocol::limits;
use ed25519_dalek::VerifyingKey;

use crate::admission::{Rooms, Waiting};
use crate::api::{Answer, Call, InputError, Output, Record, Request, StoreError, Ticket};
use crate::authentication::expired;

impl Rooms {
    pub(crate) fn call(&mut self, request: Request, call: Call, now: Time) {
        // Per process, not per client: to know clients apart, their addresses would have to be kept.
        let in_time = match &call {
            Call::Create(_) => self.creations.take(1, now),
            Call::LookupMeeting(_) => self.lookups.take(1, now),
        };
        if !in_time {
            self.counters.limited += 1;
            return self.refuse(request, ApiErrorCode::Busy);
        }
        match call {
            Call::Create(create) => match self.check(&create) {
                Ok(()) => self.create(request, create, now),
                Err(code) => self.refuse(request, code),
            },
            Call::LookupMeeting(lookup) => {
                let ticket = self.ticket(Waiting::LookupMeeting(request));
                self.push(Output::Load { ticket, meeting: lookup.meeting });
            }
        }
    }

    fn check(&mut self, create: &CreateMeeting) -> Result<(), ApiErrorCode> {
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

    fn create(&mut self, request: Request, create: CreateMeeting, now: Time) {
        let lifetime = create.expires_in.min(self.config.lifetime.as_secs());
        let record = Record {
            meeting: create.meeting,
            admission_key: create.admission_key,
            host_fingerprint: create.host_fingerprint,
            sealed_meta: create.sealed_meta,
            expires_at: now.as_millis() / 1000 + lifetime,
        };
        let ticket = self.ticket(Waiting::Create(request, record.expires_at));
        self.push(Output::Store { ticket, record });
    }

    pub(crate) fn stored(&mut self, ticket: Ticket, result: Result<(), StoreError>) -> Result<(), InputError> {
        let Some(Waiting::Create(request, expires_at)) = self.waiting.remove(&ticket) else {
            return Err(InputError::UnknownTicket);
        };
        let answer = match result {
            Ok(()) => Ok(Answer::Created(MeetingCreated { expires_at })),
            Err(StoreError::Exists) => Err(ApiErrorCode::Exists),
            Err(StoreError::Full) => Err(ApiErrorCode::Busy),
            Err(StoreError::Failed) => Err(ApiErrorCode::Internal),
        };
        self.push(Output::Answer { request, answer });
        Ok(())
    }

    pub(crate) fn found(&mut self, request: Request, record: Result<Option<Record>, StoreError>, now: Time) {
        match record {
            Ok(Some(record)) if !expired(&record, now) => {
                let inside = self.sessions.get(&record.meeting).map_or(0, |session| session.inside());
                let Record { sealed_meta, expires_at, .. } = record;
                let info = MeetingInfo { sealed_meta, expires_at, inside, limit: self.config.people };
                self.push(Output::Answer { request, answer: Ok(Answer::Info(info)) });
            }
            Ok(_) => self.refuse(request, ApiErrorCode::NotFound),
            Err(_) => self.refuse(request, ApiErrorCode::Internal),
        }
    }

    fn refuse(&mut self, request: Request, code: ApiErrorCode) {
        self.push(Output::Answer { request, answer: Err(code) });
    }
}
