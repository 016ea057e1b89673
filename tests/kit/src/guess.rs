//! A passphrase that the server is asked about, by RFC 9497 and docs/protocol.md and not with the client's code.

use anyhow::{Context as _, bail};
use conclave_base::MeetingId;
use conclave_protocol::http::{ApiError, ApiErrorCode, EvaluatePassphrase, PassphraseEvaluated};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use voprf::{EvaluationElement, Group as _, Proof, Ristretto255, VoprfClient};

use crate::random;

/// One guess.
pub struct Guess {
    passphrase: String,
    state: VoprfClient<Ristretto255>,
    /// What the server is asked.
    pub request: EvaluatePassphrase,
}

impl Guess {
    /// Blinds it.
    pub fn new(meeting: MeetingId, passphrase: &str) -> anyhow::Result<Self> {
        let mut rng = ChaCha20Rng::from_seed(random()?);
        let blinding = VoprfClient::<Ristretto255>::blind(passphrase.as_bytes(), &mut rng).map_err(failed)?;
        let request = EvaluatePassphrase { meeting, blinded: blinding.message.serialize().into() };
        Ok(Self { passphrase: passphrase.to_owned(), state: blinding.state, request })
    }

    /// Asks the server; `Err` is for how many seconds it answers no more.
    pub fn ask(&self, server: &str) -> anyhow::Result<Result<PassphraseEvaluated, u32>> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let body = serde_json::to_vec(&self.request)?;
        let asked = agent.post(format!("{server}{}", conclave_protocol::paths::PASSPHRASE)).header("Content-Type", "application/json");
        let mut answer = asked.send(&body[..])?;
        Self::read(answer.status().as_u16(), &answer.body_mut().read_to_vec()?)
    }

    /// What an answer says.
    pub fn read(status: u16, body: &[u8]) -> anyhow::Result<Result<PassphraseEvaluated, u32>> {
        if status == 200 {
            return Ok(Ok(serde_json::from_slice(body)?));
        }
        match serde_json::from_slice(body).with_context(|| format!("status {status}"))? {
            ApiError { code: ApiErrorCode::TooManyTries, retry_after: Some(seconds), .. } => Ok(Err(seconds)),
            problem => bail!("{problem:?}"),
        }
    }

    /// What the answer makes of the passphrase; an error if the answer is of another guess.
    pub fn finish(&self, answer: &PassphraseEvaluated) -> anyhow::Result<Vec<u8>> {
        let evaluated = EvaluationElement::deserialize(&answer.evaluated).map_err(failed)?;
        let proof = Proof::deserialize(&answer.proof).map_err(failed)?;
        let public = Ristretto255::deserialize_elem(&answer.server_key).map_err(failed)?;
        Ok(self.state.finalize(self.passphrase.as_bytes(), &evaluated, &proof, public).map_err(failed)?.to_vec())
    }
}

fn failed(error: voprf::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}
