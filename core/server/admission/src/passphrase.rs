//! The server's part of a passphrase: an oblivious pseudorandom function (RFC 9497, mode VOPRF, ristretto255-SHA512).
//!
//! A client sends its passphrase blinded and gets it back evaluated, still blinded, so that nothing of it is learnt here; and without asking,
//! nobody can find out whether a passphrase is right, whatever else they have of the meeting. Each meeting has its own key, which comes from one
//! secret and the meeting's id: nothing is kept for it. Each answer counts as a try ([`crate::names::Names::a_try`]), until it is shown to have been right.

use conclave_base::{MeetingId, Secret, Time};
use conclave_protocol::challenge;
use conclave_protocol::http::{ApiErrorCode, EvaluatePassphrase, PassphraseEvaluated, PassphraseRight};
use voprf::{BlindedElement, Group as _, Ristretto255, VoprfServer};

use crate::admission::Admission;
use crate::api::{HttpRequestId, HttpResponse, Output, Record, StoreError};
use crate::authentication::is_signed_by;
use crate::http::found;

const LABEL: &[u8] = b"conclave/1 passphrase";

impl Admission {
    pub(crate) fn on_evaluate_passphrase(&mut self, id: HttpRequestId, asked: &EvaluatePassphrase) {
        let Ok(blinded) = BlindedElement::<Ristretto255>::deserialize(&asked.blinded) else {
            return self.refuse(id, ApiErrorCode::Malformed);
        };
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
        let count = self.names.right(right.meeting, &right.blinded);
        self.push(Output::Count { request: None, count });
        self.push(Output::HttpResponse { id, response: Ok(HttpResponse::Noted) });
    }
}

/// Whether it can be evaluated at all.
pub(crate) fn is_well_formed(asked: &EvaluatePassphrase) -> bool {
    BlindedElement::<Ristretto255>::deserialize(&asked.blinded).is_ok()
}

fn key(secret: &Secret<32>, meeting: &MeetingId) -> VoprfServer<Ristretto255> {
    let info = [LABEL, meeting.as_bytes()].concat();
    VoprfServer::new_from_seed(secret.expose(), &info).expect("seed and info are short, and no seed is known whose keys are all zero")
}
