use std::time::Duration;

use conclave_base::{Redacted, Secret, Time};
use conclave_protocol::challenge;
use conclave_protocol::http::{ApiError, ApiErrorCode, PassphraseEvaluated, PassphraseRight};
use conclave_protocol::limits::HTTP_BODY;
use conclave_protocol::payload::Meta;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::context::Context;
use crate::keys::Keys;
use crate::meeting_record::{self, RecordError};
use crate::passphrase::{Asked, OtherKey};
use crate::prejoin::Prejoin;
use crate::snapshot::{Command, EndReason, PassphraseStep, Phase};
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, MeetingLink, Output};

/// When a server that says that too many were tried does not say for how long.
const WAIT: Duration = Duration::from_secs(60);

/// The record does not open without a passphrase, or with another one.
pub(crate) struct NeedsPassphrase {
    link: MeetingLink,
    host: Option<Secret<32>>,
    sealed_record: Vec<u8>,
    occupancy: Occupancy,
    /// By which the server does its part.
    server_key: [u8; 32],
    /// Passphrases that did not fit.
    wrong: u32,
    waits_for: WaitsFor,
}

enum WaitsFor {
    /// Somebody who types one.
    User,
    /// The server's part.
    Server(Box<Asked>),
    /// The record is open; the server is told so, that the try does not count.
    Noted(Box<Opened>),
    /// Too many were tried, until then.
    Thaw(Time),
}

struct Opened {
    keys: Keys,
    meta: Meta,
}

/// How many are inside, and how many may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occupancy {
    pub(crate) inside: u32,
    pub(crate) limit: u32,
}

/// Opens what the server keeps, and checks that the link's host signed it: at once, or with a passphrase.
pub(crate) fn open(
    link: MeetingLink,
    host: Option<Secret<32>>,
    sealed_record: Vec<u8>,
    occupancy: Occupancy,
    passphrase: Option<Redacted<String>>,
    ctx: &mut Context,
) -> Stage {
    match meeting_record::server_key(&link, &sealed_record) {
        Ok(None) => {
            let keys = Keys::new(&link, None);
            match meeting_record::open(&link, &keys, &sealed_record) {
                Ok(meta) => enter(Opened { keys, meta }, host, occupancy, ctx),
                Err(error) => end(error, ctx),
            }
        }
        Ok(Some(server_key)) => {
            let mut stage = NeedsPassphrase { link, host, sealed_record, occupancy, server_key, wrong: 0, waits_for: WaitsFor::User };
            let given = passphrase.filter(|text| !text.expose().is_empty());
            if given.is_none_or(|text| stage.ask_server(text.expose(), ctx).is_err()) {
                stage.show(PassphraseStep::Wanted, ctx);
            }
            Stage::NeedsPassphrase(Box::new(stage))
        }
        Err(error) => end(error, ctx),
    }
}

impl NeedsPassphrase {
    pub(crate) fn handle(mut self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        match (input, &self.waits_for) {
            (Input::Command(Command::Passphrase { text }), WaitsFor::User) => {
                let done = self.ask_server(&text, ctx);
                (Stage::NeedsPassphrase(self), done)
            }
            (Input::Command(Command::Passphrase { .. }), WaitsFor::Server(_) | WaitsFor::Noted(_) | WaitsFor::Thaw(_)) => {
                (Stage::NeedsPassphrase(self), Err(InputError::Busy))
            }
            (Input::HttpDone { status, body }, WaitsFor::Server(_)) => (self.on_answer(status, &body, ctx, now), Ok(())),
            (Input::HttpFailed, WaitsFor::Server(_)) => {
                self.ask_user(PassphraseStep::Unreachable, ctx);
                (Stage::NeedsPassphrase(self), Ok(()))
            }
            // Whether or not it was noted, the meeting is open.
            (Input::HttpDone { .. } | Input::HttpFailed, WaitsFor::Noted(_)) => ((*self).enter(ctx), Ok(())),
            (input, _) => (Stage::NeedsPassphrase(self), unused(&input)),
        }
    }

    fn ask_server(&mut self, passphrase: &str, ctx: &mut Context) -> Result<(), InputError> {
        let asked = Asked::new(self.link.meeting(), passphrase, &mut ctx.rng).ok_or(InputError::Text)?;
        let body = serde_json::to_vec(&asked.request).expect("the type has no failing serializer");
        ctx.emit(Output::Http { path: conclave_protocol::paths::PASSPHRASE, body });
        self.waits_for = WaitsFor::Server(Box::new(asked));
        self.show(PassphraseStep::Asked, ctx);
        Ok(())
    }

    fn on_answer(mut self: Box<Self>, status: u16, body: &[u8], ctx: &mut Context, now: Time) -> Stage {
        let body = if body.len() > HTTP_BODY { &[] } else { body };
        if status == 200 {
            return match serde_json::from_slice(body) {
                Ok(answer) => self.on_evaluated(&answer, ctx),
                Err(_) => self.back_to_user(PassphraseStep::OtherServerKey, ctx),
            };
        }
        match serde_json::from_slice::<ApiError>(body) {
            Ok(ApiError { code: ApiErrorCode::TooManyTries, retry_after, .. }) => {
                let until = now + retry_after.map_or(WAIT, |seconds| Duration::from_secs(seconds.into()));
                self.waits_for = WaitsFor::Thaw(until);
                self.show(PassphraseStep::TooManyTries { until: until.as_millis() as f64 }, ctx);
                Stage::NeedsPassphrase(self)
            }
            Ok(_) | Err(_) => self.back_to_user(PassphraseStep::Unreachable, ctx),
        }
    }

    fn on_evaluated(mut self: Box<Self>, answer: &PassphraseEvaluated, ctx: &mut Context) -> Stage {
        let WaitsFor::Server(asked) = std::mem::replace(&mut self.waits_for, WaitsFor::User) else {
            return Stage::NeedsPassphrase(self);
        };
        let evaluated = match asked.finish(answer, &self.server_key) {
            Ok(evaluated) => evaluated,
            Err(OtherKey) => return self.back_to_user(PassphraseStep::OtherServerKey, ctx),
        };
        let keys = Keys::new(&self.link, Some((&evaluated, self.server_key)));
        match meeting_record::open(&self.link, &keys, &self.sealed_record) {
            Ok(meta) => {
                let (meeting, blinded) = (asked.request.meeting, asked.request.blinded);
                let signature = keys.admission.sign(&challenge::passphrase(&meeting, &blinded)).to_bytes();
                let body =
                    serde_json::to_vec(&PassphraseRight { meeting, blinded, signature }).expect("the type has no failing serializer");
                ctx.emit(Output::Http { path: conclave_protocol::paths::PASSPHRASE_RIGHT, body });
                self.waits_for = WaitsFor::Noted(Box::new(Opened { keys, meta }));
                Stage::NeedsPassphrase(self)
            }
            Err(RecordError::Passphrase) => {
                self.wrong += 1;
                self.back_to_user(PassphraseStep::Wanted, ctx)
            }
            Err(error) => end(error, ctx),
        }
    }

    fn enter(self, ctx: &mut Context) -> Stage {
        let Self { host, occupancy, waits_for, .. } = self;
        match waits_for {
            WaitsFor::Noted(opened) => enter(*opened, host, occupancy, ctx),
            WaitsFor::User | WaitsFor::Server(_) | WaitsFor::Thaw(_) => Stage::end(EndReason::Refused, ctx),
        }
    }

    fn ask_user(&mut self, step: PassphraseStep, ctx: &mut Context) {
        self.waits_for = WaitsFor::User;
        self.show(step, ctx);
    }

    fn back_to_user(mut self: Box<Self>, step: PassphraseStep, ctx: &mut Context) -> Stage {
        self.ask_user(step, ctx);
        Stage::NeedsPassphrase(self)
    }

    pub(crate) fn run(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        if self.deadline().is_some_and(|until| now >= until) {
            self.ask_user(PassphraseStep::Wanted, ctx);
        }
        Stage::NeedsPassphrase(self)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.waits_for {
            WaitsFor::Thaw(until) => Some(until),
            WaitsFor::User | WaitsFor::Server(_) | WaitsFor::Noted(_) => None,
        }
    }

    fn show(&self, step: PassphraseStep, ctx: &mut Context) {
        ctx.screen.phase(Phase::NeedsPassphrase { wrong: self.wrong, step });
    }
}

fn enter(Opened { keys, meta }: Opened, host: Option<Secret<32>>, Occupancy { inside, limit }: Occupancy, ctx: &mut Context) -> Stage {
    let is_host = |seed: &Secret<32>| meta.policy.host_keys.contains(&SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes());
    let host = host.filter(is_host);
    ctx.screen.set(|s| &mut s.host, host.is_some());
    ctx.screen.set(|s| &mut s.title, meta.title.expose().clone());
    ctx.set_hides_speech(meta.policy.hides_speech);
    ctx.screen.phase(Phase::Prejoin { inside, limit });
    Stage::Prejoin(Box::new(Prejoin::new(keys, meta, host)))
}

fn end(error: RecordError, ctx: &mut Context) -> Stage {
    let reason = match error {
        // A record that says that it has no passphrase, and does not open.
        RecordError::Link | RecordError::Passphrase => EndReason::LinkWrong,
        RecordError::Host => EndReason::HostMismatch,
        RecordError::Version => EndReason::Version,
    };
    Stage::end(reason, ctx)
}
