//! The order in Redis, by a script: for several processes that serve the same meetings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_admission::{Count, Input, OrderError, RequestId};
use conclave_base::{MeetingId, MemberId};
use conclave_delivery::{Ask, Contents, LogId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue as _, IntoConnectionInfo as _, ProtocolVersion, RedisError, Script, Value};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::counts::{Counts, SharedKeys};
use super::follower::{Call, Follower, Word};
use super::wire::{self, Keys, Known, Marked, Push, Reply};
use crate::metrics::Metrics;

/// For a call of the script.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// For a whole log, and for a connection of which nothing is heard.
const LONG_PATIENCE: Duration = Duration::from_secs(5);
/// From one attempt to connect to the next.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// Calls that may wait for one session, and what it is told that waits.
const CALLS: usize = 256;
const PUSHES: usize = 1024;
/// Answers that may wait for the control task.
const ANSWERS: usize = 1024;
/// Settings by which it may write what it holds to a disk, or forget a part of it, and what they must be.
const SETTINGS: [(&str, &[&str]); 5] = [
    ("save", &[""]),
    ("appendonly", &["no"]),
    ("repl-diskless-sync", &["yes"]),
    ("repl-diskless-load", &["swapdb", "on-empty-db"]),
    ("maxmemory-policy", &["noeviction"]),
];

/// A handle to what asks Redis.
pub(crate) struct Redis {
    shared: Arc<Shared>,
    counts: Counts,
    followers: BTreeMap<MeetingId, mpsc::Sender<Word>>,
    answer: mpsc::Sender<Input<'static>>,
    answers: mpsc::Receiver<Input<'static>>,
}

/// Asks who is admitted on any node; cheap to clone.
#[derive(Clone)]
pub(crate) struct Presence(ConnectionManager);

/// What all sessions use.
pub(super) struct Shared {
    manager: ConnectionManager,
    script: Script,
    pub(super) node: u64,
    /// Of each log, in bytes.
    bound: usize,
    feeds: Arc<Mutex<Feeds>>,
    /// Held while a subscription changes, so that the last word counts.
    subscribing: tokio::sync::Mutex<()>,
    pub(super) metrics: Metrics,
}

/// By channel, to whom what is told goes; numbered, so that each knows its own.
#[derive(Default)]
struct Feeds {
    last: u64,
    feeds: BTreeMap<String, (u64, mpsc::Sender<Push>)>,
}

/// Redis said nothing, or nothing that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// What was asked may be done or not.
    InDoubt,
    /// It refuses, for lack of memory or otherwise.
    Refused,
}

impl Redis {
    /// Connects. `node` names this process; each log holds at most `bound` bytes.
    pub(crate) async fn open(url: &str, node: u64, bound: usize, metrics: Metrics) -> anyhow::Result<Self> {
        let form = "--bus needs redis://:PASSWORD@HOST:PORT or rediss://… for TLS";
        // Its own error may name the password.
        let info = url.into_connection_info().map_err(|_| anyhow::anyhow!(form))?;
        ensure!(url.starts_with("redis://") || url.starts_with("rediss://"), form);
        let place = info.addr().to_string();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(|_| anyhow::anyhow!(form))?;
        let feeds = Arc::new(Mutex::new(Feeds::default()));
        let to_feeds = Arc::clone(&feeds);
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(LONG_PATIENCE))
            .set_min_delay(RECONNECT.0)
            .set_max_delay(RECONNECT.1)
            .set_push_sender(move |info: redis::PushInfo| -> Result<(), std::convert::Infallible> {
                lock(&to_feeds).tell(info);
                Ok(())
            })
            .set_automatic_resubscription();
        let connected = tokio::time::timeout(LONG_PATIENCE, client.get_connection_manager_with_config(config)).await;
        let manager = connected.ok().and_then(Result::ok).with_context(|| {
            format!("the Redis at {place} cannot be reached, or refuses: start it, version 6.2 or newer, or name another with --bus")
        })?;
        check_settings(manager.clone(), &place).await?;
        let script = Script::new(include_str!("order.lua"));
        let shared = Arc::new(Shared { manager, script, node, bound, feeds, subscribing: tokio::sync::Mutex::new(()), metrics });
        let (answer, answers) = mpsc::channel(ANSWERS);
        let counts = Counts::new(shared.manager.clone(), answer.clone(), shared.metrics.clone());
        Ok(Self { shared, counts, followers: BTreeMap::new(), answer, answers })
    }

    /// As [`super::Bus::ask`].
    pub(crate) fn ask(&mut self, request: Option<RequestId>, meeting: MeetingId, log: Option<LogId>, ask: Ask) -> Vec<Input<'static>> {
        let enters = matches!(ask, Ask::Enter { .. });
        let call = Word::Call(Call { request, log, ask, since: tokio::time::Instant::now() });
        let refused = match self.followers.get(&meeting) {
            Some(calls) => calls.try_send(call),
            None => Err(TrySendError::Closed(call)),
        };
        match refused {
            Ok(()) => Vec::new(),
            Err(TrySendError::Closed(call)) if enters => {
                let (calls, inbox) = mpsc::channel(CALLS);
                tokio::spawn(Follower::new(Arc::clone(&self.shared), meeting, inbox, self.answer.clone()).run());
                self.followers.retain(|_, calls| !calls.is_closed());
                let (Ok(()) | Err(_)) = calls.try_send(call);
                self.followers.insert(meeting, calls);
                Vec::new()
            }
            Err(TrySendError::Closed(_)) => unanswered(request, OrderError::Ended),
            Err(TrySendError::Full(_)) => {
                self.shared.metrics.on_bus("queue", "full");
                unanswered(request, OrderError::Away)
            }
        }
    }

    /// As [`super::Bus::count`].
    pub(crate) fn count(&self, request: Option<RequestId>, count: Count) -> Option<Input<'static>> {
        self.counts.count(request, count)
    }

    /// As [`super::Bus::shared_keys`].
    pub(crate) fn shared_keys(&self) -> SharedKeys {
        SharedKeys::new(self.shared.manager.clone())
    }

    /// As [`super::Bus::presence`].
    pub(crate) fn presence(&self) -> Presence {
        Presence(self.shared.manager.clone())
    }

    /// As [`super::Bus::unfollow`]. What was asked before is still asked; and whoever follows another log by then goes on.
    pub(crate) fn unfollow(&mut self, meeting: MeetingId, log: LogId) {
        if self.followers.get(&meeting).is_some_and(|calls| calls.try_send(Word::Unfollow(log)).is_err()) {
            self.followers.remove(&meeting);
        }
    }

    /// As [`super::Bus::answer`].
    pub(crate) async fn answer(&mut self) -> Option<Input<'static>> {
        self.answers.recv().await
    }
}

impl Presence {
    /// Whether a member is in a meeting and was not called gone; `None` while Redis does not answer.
    pub(crate) async fn is_in(&self, room: &str, identity: &str) -> Option<bool> {
        // Rooms and identities of foreign SDK users are not ours: they parse as no id.
        let (Ok(meeting), Ok(who)) = (room.parse::<MeetingId>(), identity.parse::<MemberId>()) else { return Some(false) };
        let mut find = redis::cmd("HGET");
        find.arg(Keys::of(&meeting).who()).arg(who.as_bytes().as_slice());
        let mut manager = self.0.clone();
        let found = tokio::time::timeout(PATIENCE, find.query_async::<Option<String>>(&mut manager)).await;
        Some(found.ok()?.ok()?.is_some_and(|presence| wire::is_in(&presence)))
    }
}

impl Shared {
    /// Calls the script.
    pub(super) async fn call(&self, keys: &Keys, log: Option<LogId>, known: &Known, ask: &Ask, origin: &str) -> Result<Reply, Failure> {
        let (op, arguments) = wire::arguments(ask, origin);
        self.invoke(keys, op, log, known, &arguments).await
    }

    /// Says that this node is there; asks what is new.
    pub(super) async fn tick(&self, keys: &Keys, log: LogId, known: &Known) -> Result<Reply, Failure> {
        self.invoke(keys, "tick", Some(log), known, &[]).await
    }

    /// Ends a log that lost something.
    pub(super) async fn end(&self, keys: &Keys, log: LogId) {
        let (Ok(_) | Err(_)) = self.invoke(keys, "end", Some(log), &Known::default(), &[]).await;
    }

    async fn invoke(
        &self,
        keys: &Keys,
        op: &'static str,
        log: Option<LogId>,
        known: &Known,
        arguments: &[Vec<u8>],
    ) -> Result<Reply, Failure> {
        let mut call = self.script.prepare_invoke();
        for key in keys.all() {
            call.key(key);
        }
        call.arg(op).arg(log.map(wire::log_name).unwrap_or_default()).arg(known.seq).arg(known.at).arg(&known.mark);
        call.arg(self.node).arg(self.bound);
        for argument in arguments {
            call.arg(argument);
        }
        let mut manager = self.manager.clone();
        let value = within(PATIENCE, op, call.invoke_async::<Value>(&mut manager)).await;
        let reply = value.and_then(|value| {
            wire::reply(value).map_err(|_| {
                tracing::error!(op, "Redis answers what this release does not understand: do all nodes have the same release?");
                Failure::Refused
            })
        });
        self.metrics.on_bus(
            op,
            match &reply {
                Ok(_) => "ok",
                Err(Failure::InDoubt) => "away",
                Err(Failure::Refused) => "failed",
            },
        );
        reply
    }

    /// The entries after `known`.
    pub(super) async fn fetch(&self, keys: &Keys, known: &Known) -> Result<Vec<Marked>, Failure> {
        self.metrics.on_bus("fetch", "ok");
        let after = if known.seq == 0 { "-".to_owned() } else { format!("({}-{}", known.at, known.seq) };
        let mut range = redis::cmd("XRANGE");
        range.arg(keys.log()).arg(after).arg("+");
        let mut manager = self.manager.clone();
        let value = within(LONG_PATIENCE, "fetch", range.query_async::<Value>(&mut manager)).await?;
        wire::stream(value).map_err(|_| Failure::Refused)
    }

    /// All of a log; `None` if it is no more.
    pub(super) async fn contents(&self, keys: &Keys, log: LogId) -> Result<Option<(Contents, Known)>, Failure> {
        let mut pipe = redis::pipe();
        pipe.atomic();
        pipe.cmd("HMGET").arg(keys.meta()).arg(&wire::BASE);
        pipe.cmd("HGETALL").arg(keys.kept());
        pipe.cmd("XRANGE").arg(keys.log()).arg("-").arg("+");
        let mut manager = self.manager.clone();
        type Fetched = (Vec<Option<String>>, BTreeMap<u64, Vec<u8>>, Value);
        let (base, kept, entries) = within(LONG_PATIENCE, "contents", pipe.query_async::<Fetched>(&mut manager)).await?;
        wire::contents(log, base, kept.into_iter().collect(), entries).map_err(|_| Failure::Refused)
    }

    /// What is told on a session's channel from now on; and its number, for [`Self::unsubscribe`].
    pub(super) async fn subscribe(&self, keys: &Keys) -> Result<(u64, mpsc::Receiver<Push>), Failure> {
        let _held = self.subscribing.lock().await;
        let (feed, pushes) = mpsc::channel(PUSHES);
        let number = lock(&self.feeds).add(keys.channel(), feed);
        let mut manager = self.manager.clone();
        match tokio::time::timeout(PATIENCE, manager.subscribe(keys.channel())).await {
            Ok(Ok(())) => Ok((number, pushes)),
            Ok(Err(_)) | Err(_) => {
                lock(&self.feeds).remove(keys.channel(), number);
                Err(Failure::InDoubt)
            }
        }
    }

    /// Ends a subscription, if none came after it.
    pub(super) async fn unsubscribe(&self, keys: &Keys, number: u64) {
        let _held = self.subscribing.lock().await;
        if lock(&self.feeds).remove(keys.channel(), number) {
            let mut manager = self.manager.clone();
            // If Redis is away, what it tells later goes to nobody.
            let (Ok(_) | Err(_)) = tokio::time::timeout(PATIENCE, manager.unsubscribe(keys.channel())).await;
        }
    }
}

impl Feeds {
    fn add(&mut self, channel: &str, feed: mpsc::Sender<Push>) -> u64 {
        self.last += 1;
        self.feeds.insert(channel.to_owned(), (self.last, feed));
        self.last
    }

    fn remove(&mut self, channel: &str, number: u64) -> bool {
        self.feeds.get(channel).is_some_and(|(last, _)| *last == number) && self.feeds.remove(channel).is_some()
    }

    /// Whoever has no room for it sees by the next one that something is missing.
    fn tell(&self, info: redis::PushInfo) {
        if let Some((channel, payload)) = wire::published(info)
            && let (Some((_, feed)), Some(push)) = (self.feeds.get(&channel), wire::push(&payload))
        {
            let (Ok(()) | Err(_)) = feed.try_send(push);
        }
    }
}

fn unanswered(request: Option<RequestId>, why: OrderError) -> Vec<Input<'static>> {
    request.map(|request| Input::Told { request, told: Err(why), contents: None }).into_iter().collect()
}

fn lock(feeds: &Mutex<Feeds>) -> MutexGuard<'_, Feeds> {
    // A panic leaves nothing half done: each change is one call.
    feeds.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Redis answers, if it does in time.
pub(super) async fn within<T>(
    patience: Duration,
    op: &'static str,
    asked: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, Failure> {
    let answer = tokio::time::timeout(patience, asked).await.map_err(|_| Failure::InDoubt)?;
    answer.map_err(|error| failure(op, &error))
}

fn failure(op: &'static str, error: &RedisError) -> Failure {
    if error.is_io_error() || error.is_unrecoverable_error() {
        return Failure::InDoubt;
    }
    // A word of its own: its text may hold what was asked.
    tracing::error!(op, code = error.code(), "Redis refuses");
    Failure::Refused
}

/// Refuses a Redis that writes to a disk what meetings say: sealed as it is, it would outlive them.
async fn check_settings(mut manager: ConnectionManager, place: &str) -> anyhow::Result<()> {
    for (name, wanted) in SETTINGS {
        let asked = redis::cmd("CONFIG").arg("GET").arg(name).query_async::<Value>(&mut manager).await;
        let Some(is) = asked.ok().and_then(|value| BTreeMap::<String, String>::from_redis_value(value).ok()) else {
            tracing::warn!(
                "the Redis at {place} does not say how it is set: make sure yourself that it never writes to a disk (save \"\", appendonly no, \
                 repl-diskless-sync yes, repl-diskless-load swapdb, maxmemory-policy noeviction)"
            );
            return Ok(());
        };
        let is = is.get(name).cloned().unwrap_or_default();
        ensure!(
            wanted.contains(&is.as_str()),
            "the Redis at {place} has {name} \"{is}\": what meetings say, sealed, would be written to a disk or be lost in part. Set {name} \"{}\"",
            wanted[0]
        );
    }
    Ok(())
}
