//! The server's part of a passphrase: an oblivious pseudorandom function (RFC 9497, mode VOPRF, ristretto255-SHA512).
//!
//! A client sends its passphrase blinded and gets it back evaluated, still blinded, so that nothing of it is learnt here; and without asking,
//! nobody can find out whether a passphrase is right, whatever else they have of the meeting. Each meeting has its own key, which comes from one
//! secret and the meeting's id: nothing is kept for it. Each answer counts as a try ([`crate::tries::Tries`]), until it is shown to have been right.

use conclave_base::{MeetingId, Secret, Time};
use conclave_protocol::challenge;
use conclave_protocol::http::{ApiErrorCode, EvaluatePassphrase, PassphraseEvaluated, PassphraseRight};
use voprf::{BlindedElement, Group as _, Ristretto255, VoprfServer};

use crate::admission::Admission;
use crate::api::{Block, HttpRequestId, HttpResponse, Output, Record, StoreError};
use crate::authentication::is_signed_by;
use crate::http::found;

const LABEL: &[u8] = b"conclave/1 passphrase";

impl Admission {
    pub(crate) fn on_evaluate_passphrase(&mut self, id: HttpRequestId, block: Block, asked: &EvaluatePassphrase, now: Time) {
        let Ok(blinded) = BlindedElement::<Ristretto255>::deserialize(&asked.blinded) else {
            self.counters.malformed += 1;
            return self.refuse(id, ApiErrorCode::Malformed);
        };
        if let Err(wait) = self.tries.take(asked.meeting, asked.blinded, block, now) {
            self.counters.limited += 1;
            let retry_after = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
            return self.push(Output::HttpResponse { id, response: Ok(HttpResponse::TooManyTries { retry_after }) });
        }
        let key = key(&self.config.passphrases, &asked.meeting);
        let answer = key.blind_evaluate(&mut self.rng, &blinded);
        let evaluated = PassphraseEvaluated {
            evaluated: answer.message.serialize().into(),
            proof: answer.proof.serialize().into(),
            server_key: Ristretto255::serialize_elem(key.get_public_key()).into(),
        };
        self.push(Output::HttpResponse { id, response: Ok(HttpResponse::Evaluated(Box::new(evaluated))) });
    }

    /// Whoever has the admission key had the right passphrase: nobody else can make it.
    pub(crate) fn on_loaded_for_right(
        &mut self,
        id: HttpRequestId,
        right: &PassphraseRight,
        record: Result<Option<Record>, StoreError>,
        now: Time,
    ) {
        let record = match found(record, now) {
            Ok(record) => record,
            Err(code) => return self.refuse(id, code),
        };
        if !is_signed_by(&record.admission_key, &challenge::passphrase(&right.meeting, &right.blinded), &right.signature) {
            self.counters.bad_proofs += 1;
            return self.refuse(id, ApiErrorCode::Malformed);
        }
        self.tries.give(right.meeting, right.blinded);
        self.push(Output::HttpResponse { id, response: Ok(HttpResponse::Noted) });
    }
}

fn key(secret: &Secret<32>, meeting: &MeetingId) -> VoprfServer<Ristretto255> {
    let info = [LABEL, meeting.as_bytes()].concat();
    VoprfServer::new_from_seed(secret.expose(), &info).expect("seed and info are short, and no seed is known whose keys are all zero")
}
