use conclave_base::{Redacted, Secret};
use ed25519_dalek::SigningKey;

use crate::context::Context;
use crate::keys::Keys;
use crate::meeting_record::{self, RecordError};
use crate::prejoin::Prejoin;
use crate::snapshot::{Command, EndReason, Phase};
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, MeetingLink};

/// Longest passphrase, in bytes.
const PASSPHRASE_BYTES: usize = 1024;

/// The record does not open without a passphrase, or with another one.
pub(crate) struct NeedsPassphrase {
    link: MeetingLink,
    host: Option<Secret<32>>,
    sealed_record: Vec<u8>,
    occupancy: Occupancy,
    /// Passphrases that did not fit.
    wrong: u32,
}

/// How many are inside, and how many may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occupancy {
    pub(crate) inside: u32,
    pub(crate) limit: u32,
}

impl NeedsPassphrase {
    pub(crate) fn new(link: MeetingLink, host: Option<Secret<32>>, sealed_record: Vec<u8>, occupancy: Occupancy) -> Box<Self> {
        Box::new(Self { link, host, sealed_record, occupancy, wrong: 0 })
    }

    pub(crate) fn handle(self: Box<Self>, input: Input, ctx: &mut Context) -> Step {
        match input {
            Input::Command(Command::Passphrase { text }) if text.len() > PASSPHRASE_BYTES => {
                (Stage::NeedsPassphrase(self), Err(InputError::Text))
            }
            Input::Command(Command::Passphrase { text }) => (self.open(Some(Redacted::new(text)), ctx), Ok(())),
            Input::HttpDone { .. }
            | Input::HttpFailed
            | Input::Opened
            | Input::Received(_)
            | Input::Closed
            | Input::Command(_)
            | Input::TokenWanted
            | Input::FrameReport(_)
            | Input::Online
            | Input::Timeout => (Stage::NeedsPassphrase(self), unused(&input)),
        }
    }

    /// Opens what the server keeps, and checks that the link's host signed it.
    pub(crate) fn open(mut self: Box<Self>, passphrase: Option<Redacted<String>>, ctx: &mut Context) -> Stage {
        let needed = meeting_record::wants_passphrase(&self.sealed_record);
        let given = passphrase.as_ref().map(|text| text.expose().as_str()).filter(|text| needed && !text.is_empty());
        if needed && given.is_none() {
            return self.ask(ctx);
        }
        let keys = Keys::new(&self.link, given);
        match meeting_record::open(&self.link, &keys, &self.sealed_record) {
            Ok(meta) => {
                let is_host =
                    |seed: &Secret<32>| meta.policy.host_keys.contains(&SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes());
                let host = self.host.take().filter(is_host);
                let Occupancy { inside, limit } = self.occupancy;
                ctx.screen.set(|s| &mut s.host, host.is_some());
                ctx.screen.set(|s| &mut s.title, meta.title.expose().clone());
                ctx.set_hides_speech(meta.policy.hides_speech);
                ctx.screen.phase(Phase::Prejoin { inside, limit });
                Stage::Prejoin(Box::new(Prejoin::new(keys, meta, host)))
            }
            Err(RecordError::Passphrase) => {
                self.wrong += 1;
                self.ask(ctx)
            }
            Err(RecordError::Link) => Stage::end(EndReason::LinkWrong, ctx),
            Err(RecordError::Host) => Stage::end(EndReason::HostMismatch, ctx),
            Err(RecordError::Version) => Stage::end(EndReason::Version, ctx),
        }
    }

    fn ask(self: Box<Self>, ctx: &mut Context) -> Stage {
        ctx.screen.phase(Phase::NeedsPassphrase { wrong: self.wrong });
        Stage::NeedsPassphrase(self)
    }
}
