use conclave_base::{Machine, Polled, Time};

use crate::context::Context;
use crate::look_up::LookUp;
use crate::people::People;
use crate::rng::Rng;
use crate::snapshot::{EndReason, Snapshot};
use crate::software::SoftwareMonitor;
use crate::stage::Stage;
use crate::subscriptions::Subscriptions;
use crate::{Config, Input, InputError, MeetingLink, Output};

/// One opened link, from the waiting page to the end.
pub struct Session {
    pub(crate) stage: Stage,
    subscriptions: Subscriptions,
    ctx: Context,
    /// The moment of the last input.
    now: Time,
}

impl Session {
    /// Reads the link and asks the server what it keeps of the meeting. A link that is not whole is [`EndReason::LinkCut`].
    pub fn new(config: Config, now: Time) -> Self {
        let Config { link, host, passphrase, signer, device, people, software, logged, seed } = config;
        let mut ctx = Context::new(Rng::new(&seed), signer, People::new(device, people), SoftwareMonitor::new(software, logged));
        let stage = match MeetingLink::parse(link.expose()) {
            Ok(link) => LookUp::start(link, host, passphrase, &mut ctx),
            Err(_) => Stage::end(EndReason::LinkCut, &mut ctx),
        };
        Self { stage, subscriptions: Subscriptions::default(), ctx, now }
    }

    /// Everything that the screen needs.
    pub fn snapshot(&self) -> &Snapshot {
        &self.ctx.screen.snapshot
    }
}

impl Machine for Session {
    type Input<'a> = Input;
    type Output = Output;
    type Error = InputError;

    fn handle(&mut self, input: Input, now: Time) -> Result<(), InputError> {
        self.now = now;
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let (stage, done) = stage.handle(input, &mut self.ctx, now);
        self.stage = stage.run(&mut self.ctx, now);
        match &mut self.stage {
            Stage::Joined(joined) => self.subscriptions.run(&joined.membership.group, &mut self.ctx, now),
            Stage::LookUp(_) | Stage::NeedsPassphrase(_) | Stage::Prejoin(_) | Stage::Joining(_) | Stage::Ended => {
                self.subscriptions.clear();
                self.ctx.clear_media_keys();
            }
        }
        done
    }

    fn poll(&mut self) -> Polled<Output> {
        if let Some(output) = self.ctx.next_output() {
            return Polled::Output(output);
        }
        if let Some(update) = self.ctx.screen.take_update() {
            return Polled::Output(Output::Update(Box::new(update)));
        }
        Polled::Idle(self.stage.deadline(&self.ctx.ending, self.now).unwrap_or(Time::MAX).min(self.subscriptions.deadline()))
    }
}
