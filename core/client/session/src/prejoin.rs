use conclave_base::{Secret, Time};
use conclave_protocol::payload::Policy;

use crate::chat_queue::ChatQueue;
use crate::context::Context;
use crate::delivery_client::DeliveryClient;
use crate::join_config::JoinConfig;
use crate::joining::Joining;
use crate::keys::Keys;
use crate::snapshot::Command;
use crate::stage::{Stage, Step, unused};
use crate::{Input, InputError};

/// Longest name as typed, in bytes, before it is cleaned.
const NAME_BYTES: usize = 1024;

/// Waits for a name.
pub(crate) struct Prejoin {
    pub(crate) keys: Keys,
    pub(crate) policy: Policy,
    /// Seed of the host key, if it is one of this meeting.
    pub(crate) host: Option<Secret<32>>,
}

impl Prejoin {
    pub(crate) fn handle(self: Box<Self>, input: Input, ctx: &mut Context, now: Time) -> Step {
        match input {
            Input::Command(Command::Join { name }) if name.len() > NAME_BYTES => (Stage::Prejoin(self), Err(InputError::Text)),
            Input::Command(Command::Join { name }) => {
                let config = JoinConfig::new(self.policy, name, self.host, &mut ctx.rng);
                let delivery = DeliveryClient::new(self.keys, config, now);
                (Stage::Joining(Box::new(Joining::new(delivery, ChatQueue::default()))), Ok(()))
            }
            Input::HttpDone { .. }
            | Input::HttpFailed
            | Input::Opened
            | Input::Received(_)
            | Input::Closed
            | Input::Command(_)
            | Input::TokenWanted
            | Input::FrameReport(_)
            | Input::Online
            | Input::Timeout => (Stage::Prejoin(self), unused(&input)),
        }
    }
}
