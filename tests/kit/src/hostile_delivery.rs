//! The operator of a delivery service that lies about the log.
//!
//! It stands between its victims and the true server, follows the true log from the first entry on, and gives the victims one of its own. That
//! one is chained as a server would chain it: that a lie does not add up is nothing to rely on.

mod connection;
mod operator;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use conclave_base::MemberId;
use conclave_protocol::ws::Class;
use tokio::sync::watch;

use crate::front::Front;
use crate::{LinkKeys, PATIENCE, Server};
use operator::Operator;

/// How the request for the log's WebSocket begins.
const LOG: &[u8] = b"GET /api/live";

/// In front of a server, for whoever comes by its link.
#[derive(Debug)]
pub struct HostileDelivery {
    front: Front,
    shared: Arc<Shared>,
}

/// What the victims are made to believe of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Everything passes as it is.
    Nothing,
    /// The log stands still; what victims append is acknowledged, and goes nowhere.
    Freeze,
    /// Nobody says anything but the victims themselves.
    EchoAlone,
    /// Their WebSockets end, and no other is taken. All else passes.
    Cut,
    /// What they append of this class goes nowhere.
    Drop {
        /// Of this class alone.
        class: Class,
        /// Whether it is called appended.
        acknowledged: bool,
    },
    /// In the place of the next long line that somebody else writes stands this. Who then enters anew is given the true log.
    InsteadOfLine(Instead),
    /// The next two long lines that others write change places. Who then enters anew is given the true log.
    SwapLines,
    /// The log goes on with what the victims append, and nobody else: a meeting of their own.
    Fork,
    /// The log's time runs at so many percent from now on.
    Clock(u64),
    /// Whoever comes is told that the log ends where numbers end.
    LastNumber,
}

/// What stands in a line's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// Nothing: what follows moves up.
    Nothing,
    /// What a victim said before.
    OwnWords,
    /// The first message of the session.
    OldWords,
}

#[derive(Debug)]
struct Shared {
    operator: Mutex<Operator>,
    /// Something changed: for threads, and for the victims' connections.
    changed: Condvar,
    log: watch::Sender<()>,
}

impl HostileDelivery {
    /// Stands in front of `server`, honest until told otherwise. The meeting of `link` must not have begun.
    pub fn start(server: &Server, link: &str) -> anyhow::Result<Self> {
        let (port, keys) = (server.port, LinkKeys::of(link)?);
        let shared = Arc::new(Shared { operator: Mutex::new(Operator::new()), changed: Condvar::new(), log: watch::Sender::new(()) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let truth = runtime.block_on(connection::follow(port, &keys))?;
        runtime.spawn(connection::read_truth(truth, Arc::clone(&shared)));
        let state = Arc::clone(&shared);
        let front = Front::start(runtime, port, LOG, move |socket| connection::victim(socket, port, Arc::clone(&state)))?;
        Ok(Self { front, shared })
    }

    /// `link` with this operator in the server's place.
    pub fn link(&self, link: &str) -> anyhow::Result<String> {
        self.front.link(link)
    }

    /// From now on the victims are told this.
    pub fn lie(&self, lie: Lie) {
        self.shared.change(|operator| operator.lie(lie));
    }

    /// The victims' connections end; who comes back is given the true log again.
    pub fn tell_truth(&self) {
        self.shared.change(Operator::tell_truth);
    }

    /// The victims' connections end; who comes back is given the log as it was when it had so many entries, and a [`Lie::Fork`] of it.
    pub fn rewind(&self, length: usize) {
        self.shared.change(|operator| operator.rewind(length));
    }

    /// The victims are told that the connection of `who` has ended.
    pub fn call_gone(&self, who: &MemberId) {
        self.shared.change(|operator| operator.call_gone(who));
    }

    /// Entries of the true log so far.
    pub fn length(&self) -> usize {
        self.shared.operator().length()
    }

    /// Waits until the true log has this many entries of a class.
    pub fn until_logged(&self, class: Class, count: usize) -> anyhow::Result<()> {
        self.until(&format!("the log has {count} of {class:?}"), |operator| operator.count(class) >= count)
    }

    /// Waits until the lie was told, to somebody at least.
    pub fn until_lied(&self) -> anyhow::Result<()> {
        self.until("the lie is told", Operator::has_lied)
    }

    fn until(&self, what: &str, done: impl Fn(&Operator) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        let mut operator = self.shared.operator();
        while !done(&operator) {
            let left = end.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "{what}: did not happen within {PATIENCE:?}");
            (operator, _) = self.shared.changed.wait_timeout(operator, left).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Shared {
    fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Operator) -> T) -> T {
        let result = change(&mut self.operator());
        self.changed.notify_all();
        self.log.send_replace(());
        result
    }
}
