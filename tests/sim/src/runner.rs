use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use conclave_base::Time;
use tracing::Level;

use crate::action::Action;
use crate::failure::{Failure, Kind};
use crate::logs;
use crate::script::Script;
use crate::world::World;

/// One seed in so many is held with all that can be logged.
const VERBOSE: u64 = 16;

/// What a meeting was like.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Virtual time that passed.
    pub span: Duration,
    /// Programs that people started.
    pub programs: usize,
}

/// Holds the meeting of a script, to its end or to the first promise that is broken.
pub fn hold(script: &Script) -> Result<Held, Failure> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        logs::collect();
        // What panics is told as a failure.
        std::panic::set_hook(Box::new(|_| {}));
    });
    logs::begin(script.seed.is_multiple_of(VERBOSE));
    conclave_base::known::begin();
    catch_unwind(AssertUnwindSafe(|| hold_unguarded(script))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Failure { kind: Kind::Panic, at: Time::ZERO, detail: text.unwrap_or_default(), story: Vec::new() })
    })
}

fn hold_unguarded(script: &Script) -> Result<Held, Failure> {
    let mut world = World::new(script);
    for step in &script.steps {
        world.pass_until(world.now + step.after)?;
        if step.action == Action::Calm {
            world.calm()?;
        } else {
            world.act(step.action);
        }
        check_logs(&mut world)?;
    }
    if script.steps.last().is_none_or(|step| step.action != Action::Calm) {
        world.calm()?;
        check_logs(&mut world)?;
    }
    Ok(Held { span: world.since_start(), programs: world.clients.len() })
}

fn check_logs(world: &mut World) -> Result<(), Failure> {
    for (level, line) in logs::take() {
        world.model.on_log(level == Level::ERROR, &line, world.now);
    }
    world.model.check()
}
