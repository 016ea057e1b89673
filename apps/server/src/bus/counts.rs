//! What is counted for all nodes, in Redis, by a script of its own.

use std::sync::Arc;
use std::time::Duration;

use conclave_admission::{Count, Counted, Input, OrderError, RECEIPT, REMEMBERED, Receipt, RequestId, Use, Whose};
use conclave_base::hex;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use tokio::sync::{Semaphore, mpsc};

use super::redis::{Failure, PATIENCE, within};
use crate::clients::{CREATORS_LIFETIME, KEY_LIFETIME};
use crate::metrics::Metrics;

/// Of one slot of a cluster.
const KEYS: [&str; 3] = ["conclave:{counts}:whole_at", "conclave:{counts}:receipts", "conclave:{counts}:taken"];
/// Calls at a time. Who comes when there are so many is told to come again.
const AT_ONCE: usize = 256;

/// Asks; cheap to clone.
#[derive(Clone)]
pub(super) struct Counts {
    manager: ConnectionManager,
    script: Arc<Script>,
    free: Arc<Semaphore>,
    answer: mpsc::Sender<Input<'static>>,
    metrics: Metrics,
}

/// By what blocks of addresses are numbered, at all nodes alike; cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedKeys(ConnectionManager);

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shared {
    /// For all that is counted by block.
    Blocks,
    /// For the meetings that whoever shows no token makes in a day.
    Creators,
}

impl Shared {
    const fn name(self) -> (&'static str, Duration) {
        match self {
            Self::Blocks => ("conclave:{counts}:block_key", KEY_LIFETIME),
            Self::Creators => ("conclave:{counts}:creators_key", CREATORS_LIFETIME),
        }
    }
}

impl Counts {
    pub(super) fn new(manager: ConnectionManager, answer: mpsc::Sender<Input<'static>>, metrics: Metrics) -> Self {
        let script = Arc::new(Script::new(include_str!("counts.lua")));
        Self { manager, script, free: Arc::new(Semaphore::new(AT_ONCE)), answer, metrics }
    }

    /// As [`super::Bus::count`].
    pub(super) fn count(&self, request: Option<RequestId>, count: Count) -> Option<Input<'static>> {
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            self.metrics.on_bus("count", "full");
            return request.map(|request| Input::Counted { request, counted: Err(OrderError::Away) });
        };
        let counts = self.clone();
        tokio::spawn(async move {
            let counted = counts.ask(count).await;
            drop(place);
            if let Some(request) = request {
                // After the control task's end nobody needs it.
                let (Ok(()) | Err(_)) = counts.answer.send(Input::Counted { request, counted }).await;
            }
        });
        None
    }

    async fn ask(&self, count: Count) -> Result<Counted, OrderError> {
        let mut call = self.script.prepare_invoke();
        for key in KEYS {
            call.key(key);
        }
        let (op, receipt, uses) = match count {
            Count::Take { uses, receipt } => ("take", receipt.map(named).unwrap_or_default(), uses),
            Count::Give(receipt) => ("give", named(receipt), Vec::new()),
        };
        call.arg(op).arg(receipt).arg(REMEMBERED).arg(millis(RECEIPT));
        for Use { whose, cost, whole } in uses {
            call.arg(name(whose)).arg(millis(cost)).arg(millis(whole));
        }
        let mut manager = self.manager.clone();
        let wait = within(PATIENCE, "count", call.invoke_async::<u64>(&mut manager)).await;
        let (result, counted) = match wait {
            Ok(0) => ("ok", Ok(Counted::Done)),
            Ok(wait) => ("ok", Ok(Counted::Wait(Duration::from_millis(wait)))),
            Err(Failure::InDoubt) => ("away", Err(OrderError::Away)),
            Err(Failure::Refused) => ("failed", Err(OrderError::Away)),
        };
        self.metrics.on_bus("count", result);
        counted
    }
}

impl SharedKeys {
    pub(super) const fn new(manager: ConnectionManager) -> Self {
        Self(manager)
    }

    /// The key of now, and for how long it is that: `new`, if there is none. `None` while Redis does not answer.
    pub(crate) async fn current(&self, which: Shared, new: [u8; 32]) -> Option<([u8; 32], Duration)> {
        let (name, lifetime) = which.name();
        let mut pipe = redis::pipe();
        pipe.atomic();
        pipe.cmd("SET").arg(name).arg(new.as_slice()).arg("NX").arg("PX").arg(millis(lifetime)).ignore();
        pipe.cmd("GET").arg(name);
        pipe.cmd("PTTL").arg(name);
        let mut manager = self.0.clone();
        let asked = async { pipe.query_async::<(Vec<u8>, i64)>(&mut manager).await };
        let (key, left) = tokio::time::timeout(PATIENCE, asked).await.ok()?.inspect_err(told).ok()?;
        Some((key.try_into().ok()?, Duration::from_millis(u64::try_from(left).ok()?)))
    }
}

fn told(error: &RedisError) {
    tracing::debug!(code = error.code(), "no key for blocks of addresses");
}

/// Two digits for the kind: all who are not remembered have the kind alone for a name.
fn name(Whose { kind, hash }: Whose) -> String {
    format!("{:02x}{}", kind.0, hash.map(|hash| hex::encode(&hash)).unwrap_or_default())
}

fn named(Receipt(receipt): Receipt) -> String {
    hex::encode(&receipt)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
