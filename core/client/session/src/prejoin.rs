use std::collections::VecDeque;

use conclave_base::{Redacted, Secret, Time};
use conclave_protocol::host::update_claim;
use conclave_protocol::http::UpdateMeeting;
use conclave_protocol::payload::{Meta, Policy};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::chat_queue::ChatQueue;
use crate::context::Context;
use crate::create::check_title;
use crate::delivery_client::DeliveryClient;
use crate::join_config::JoinConfig;
use crate::joining::Joining;
use crate::keys::Keys;
use crate::snapshot::Command;
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError, Output, meeting_record};

/// Longest name as typed, in bytes, before it is cleaned.
const NAME_BYTES: usize = 1024;
/// Titles that may wait for the server's answer.
const TITLES: usize = 8;

/// Waits for a name.
pub(crate) struct Prejoin {
    keys: Keys,
    policy: Policy,
    /// Seed of the host key, if it is one of this meeting.
    host: Option<Secret<32>>,
    /// The title that the server keeps.
    title: Redacted<String>,
    /// Those that it was asked to keep and has not answered for, oldest first.
    asked: VecDeque<Redacted<String>>,
}

impl Prejoin {
    /// `meta` is what the host has signed.
    pub(crate) fn new(keys: Keys, meta: Meta, host: Option<Secret<32>>) -> Self {
        Self { keys, policy: meta.policy, host, title: meta.title, asked: VecDeque::new() }
    }

    pub(crate) fn handle(mut self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        match input {
            Input::Command(Command::Join { name }) if name.len() > NAME_BYTES => (Stage::Prejoin(self), Err(InputError::Text)),
            Input::Command(Command::Join { name }) => {
                let config = JoinConfig::new(self.policy, name, self.host, ctx.signer.take(), &mut ctx.rng)
                    .with_device(ctx.people.device().cloned())
                    .with_software(ctx.software.own.clone());
                let delivery = DeliveryClient::new(self.keys, config, now);
                (Stage::Joining(Box::new(Joining::new(delivery, ChatQueue::default()))), Ok(()))
            }
            Input::Command(Command::SetTitle { title }) => {
                let done = self.set_title(&title, ctx);
                (Stage::Prejoin(self), done)
            }
            Input::HttpDone { .. } | Input::HttpFailed => {
                self.on_title_answered(matches!(input, Input::HttpDone { status: 204, .. }), ctx);
                (Stage::Prejoin(self), Ok(()))
            }
            Input::Opened
            | Input::Received(_)
            | Input::Closed
            | Input::Command(_)
            | Input::Device(_)
            | Input::TokenWanted
            | Input::FrameReport(_)
            | Input::Online
            | Input::Timeout => (Stage::Prejoin(self), unused(&input)),
        }
    }

    fn set_title(&mut self, title: &str, ctx: &mut Context) -> Result<(), InputError> {
        let host = SigningKey::from_bytes(self.host.as_ref().ok_or(InputError::NotHost)?.expose());
        let title = check_title(title).map_err(|_| InputError::Text)?;
        if self.asked.len() >= TITLES {
            return Err(InputError::Busy);
        }
        let meeting = self.keys.meeting;
        let sealed_meta = meeting_record::seal(&self.keys, &host, title, self.policy.clone(), &mut ctx.rng);
        let signature = host.sign(&update_claim(&meeting, &sealed_meta)).to_bytes();
        let update = UpdateMeeting { meeting, host_key: host.verifying_key().to_bytes(), sealed_meta, signature };
        let body = serde_json::to_vec(&update).expect("the type has no failing serializer");
        ctx.emit(Output::Http { path: conclave_protocol::paths::MEETING_UPDATE, body });
        self.asked.push_back(Redacted::new(title.to_owned()));
        ctx.screen.set(|s| &mut s.title, title.to_owned());
        Ok(())
    }

    fn on_title_answered(&mut self, is_kept: bool, ctx: &mut Context) {
        let Some(title) = self.asked.pop_front() else { return };
        if is_kept {
            self.title = title;
        }
        let shown = self.asked.back().unwrap_or(&self.title);
        ctx.screen.set(|s| &mut s.title, shown.expose().clone());
    }
}
