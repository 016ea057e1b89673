use std::time::Duration;

use conclave_base::{Redacted, Secret, Time};
use conclave_protocol::http::{ApiError, ApiErrorCode, LookupMeeting, MeetingInfo};

use crate::context::Context;
use crate::needs_passphrase::{self, Occupancy};
use crate::snapshot::EndReason;
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, MeetingLink, Output};

/// Look-ups that may fail in a row.
const ATTEMPTS: u32 = 4;
/// Before the second look-up; the wait grows by as much each time.
const RETRY: Duration = Duration::from_millis(750);

/// Asks what the server keeps of the meeting.
pub(crate) struct LookUp {
    link: MeetingLink,
    /// Seed of the host key, if this device has one.
    host: Option<Secret<32>>,
    passphrase: Option<Redacted<String>>,
    failed: u32,
    /// The last look-up failed; the next is due then.
    retry_at: Option<Time>,
}

impl LookUp {
    pub(crate) fn start(link: MeetingLink, host: Option<Secret<32>>, passphrase: Option<Redacted<String>>, ctx: &mut Context) -> Stage {
        let stage = Self { link, host, passphrase, failed: 0, retry_at: None };
        stage.request(ctx);
        Stage::LookUp(Box::new(stage))
    }

    fn request(&self, ctx: &mut Context) {
        let body = serde_json::to_vec(&LookupMeeting { meeting: self.link.meeting() }).expect("the type has no failing serializer");
        ctx.emit(Output::Http { path: conclave_protocol::paths::MEETING_LOOKUP, body });
    }

    pub(crate) fn handle(self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        match input {
            Input::HttpDone { .. } | Input::HttpFailed if self.retry_at.is_some() => (Stage::LookUp(self), Err(InputError::OutOfTurn)),
            Input::HttpDone { status, body } => (self.on_answer(status, &body, ctx, now), Ok(())),
            Input::HttpFailed => (self.on_failure(ctx, now), Ok(())),
            Input::Online => (self.on_online(now), Ok(())),
            Input::Opened
            | Input::Received(_)
            | Input::Closed
            | Input::Command(_)
            | Input::Device(_)
            | Input::TokenWanted
            | Input::FrameReport(_)
            | Input::Timeout => (Stage::LookUp(self), unused(&input)),
        }
    }

    fn on_answer(self: Box<Self>, status: u16, body: &[u8], ctx: &mut Context, now: Time) -> Stage {
        let body = if body.len() > conclave_protocol::limits::HTTP_BODY { &[] } else { body };
        if status == 200 {
            let Ok(info) = serde_json::from_slice::<MeetingInfo>(body) else { return Stage::end(EndReason::Refused, ctx) };
            let Self { link, host, passphrase, .. } = *self;
            ctx.ending.set(info.lasts);
            let minutes = info.lasts.map(|lasts| u32::try_from(lasts.div_ceil(60_000)).unwrap_or(u32::MAX));
            ctx.screen.set(|s| &mut s.minutes, minutes);
            let occupancy = Occupancy { inside: info.inside, limit: info.limit };
            return needs_passphrase::open(link, host, info.sealed_meta, occupancy, passphrase, ctx);
        }
        match serde_json::from_slice::<ApiError>(body).map(|problem| problem.code) {
            Ok(ApiErrorCode::NotFound) => Stage::end(EndReason::NotFound, ctx),
            Ok(
                ApiErrorCode::Malformed
                | ApiErrorCode::TooLarge
                | ApiErrorCode::Exists
                | ApiErrorCode::NotHost
                | ApiErrorCode::Taken
                | ApiErrorCode::TooManyTries
                | ApiErrorCode::Full
                | ApiErrorCode::Closed,
            ) => Stage::end(EndReason::Refused, ctx),
            Ok(ApiErrorCode::Busy | ApiErrorCode::Unavailable | ApiErrorCode::Internal) | Err(_) => self.on_failure(ctx, now),
        }
    }

    fn on_failure(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        self.failed += 1;
        if self.failed >= ATTEMPTS {
            return Stage::end(EndReason::Unreachable, ctx);
        }
        self.retry_at = Some(now + RETRY * self.failed);
        Stage::LookUp(self)
    }

    /// Failures of before say nothing any more.
    fn on_online(mut self: Box<Self>, now: Time) -> Stage {
        self.failed = 0;
        self.retry_at = self.retry_at.map(|_| now);
        Stage::LookUp(self)
    }

    pub(crate) fn run(mut self: Box<Self>, ctx: &mut Context, now: Time) -> Stage {
        if self.retry_at.take_if(|at| now >= *at).is_some() {
            self.request(ctx);
        }
        Stage::LookUp(self)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.retry_at
    }
}
