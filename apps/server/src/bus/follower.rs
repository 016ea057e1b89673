//! One session, as this node follows it in Redis.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use conclave_admission::{Input, OrderError, RequestId};
use conclave_base::MeetingId;
use conclave_delivery::{AppendError, Ask, Contents, LogId, Told, limit};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep};

use super::redis::{Failure, Shared};
use super::wire::{Keys, Known, Marked, Push, Reply};

/// How often this node says that it is there, and asks what it has missed.
const TICK: Duration = Duration::from_secs(1);
/// Who comes in waits so long for Redis, within the time that a client has from its challenge on.
const ENTERING: Duration = Duration::from_secs(12);
const AGAIN: Duration = Duration::from_millis(300);
/// What is to be asked once Redis is back, of all members of a session together.
const OWED: usize = 4096;

/// What is asked.
pub(super) struct Call {
    pub(super) request: Option<RequestId>,
    pub(super) log: Option<LogId>,
    pub(super) ask: Ask,
    pub(super) since: Instant,
}

/// What a follower is told.
pub(super) enum Word {
    Call(Call),
    /// Nobody is in this log here any more.
    Unfollow(LogId),
}

/// Asks one thing after the other, and takes over what was ordered.
pub(super) struct Follower {
    shared: Arc<Shared>,
    meeting: MeetingId,
    keys: Keys,
    calls: mpsc::Receiver<Word>,
    answer: mpsc::Sender<Input<'static>>,
    following: Option<Following>,
    /// Of the calls that append.
    last_call: u64,
}

/// The log that is mirrored.
struct Following {
    log: LogId,
    known: Known,
    subscription: u64,
    pushes: mpsc::Receiver<Push>,
    /// Redis does not answer.
    away: bool,
    /// That members went must be told in the end.
    owed: VecDeque<Ask>,
    /// An entry that may have found its place or not: whose, and what its call is named.
    in_doubt: Option<(RequestId, String)>,
}

/// The log cannot be followed any more.
struct Lost;

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, meeting: MeetingId, calls: mpsc::Receiver<Word>, answer: mpsc::Sender<Input<'static>>) -> Self {
        Self { shared, meeting, keys: Keys::of(&meeting), calls, answer, following: None, last_call: 0 }
    }

    /// Until nobody asks any more, or there is nothing to follow.
    pub(super) async fn run(mut self) {
        let mut tick = interval(TICK);
        loop {
            let lost = tokio::select! {
                biased;
                _ = tick.tick(), if self.following.is_some() => {
                    let ticked = self.on_tick().await;
                    // A Redis that hangs takes its time; what is asked is answered between.
                    tick.reset();
                    ticked
                }
                Some(push) = next_push(self.following.as_mut()) => self.on_push(push).await,
                call = self.calls.recv() => match call {
                    Some(Word::Call(call)) => self.on_call(call).await,
                    Some(Word::Unfollow(log)) if self.following.as_ref().is_none_or(|following| following.log == log) => break,
                    Some(Word::Unfollow(_)) => Ok(()),
                    None => break,
                },
            };
            if let Err(Lost) = lost {
                self.on_lost().await;
            }
            if self.following.is_none() {
                break;
            }
        }
        self.stop_following().await;
        // Whoever asks from now on is served by the next one.
        self.calls.close();
        while let Some(word) = self.calls.recv().await {
            if let Word::Call(Call { request, .. }) = word {
                self.tell_request(request, Err(OrderError::Away), None).await;
            }
        }
    }

    async fn tell(&self, input: Input<'static>) {
        // After the control task's end nobody needs it.
        let (Ok(()) | Err(_)) = self.answer.send(input).await;
    }

    async fn tell_request(&self, request: Option<RequestId>, told: Result<Told, OrderError>, contents: Option<Box<Contents>>) {
        if let Some(request) = request {
            self.tell(Input::Told { request, told, contents }).await;
        }
    }

    async fn stop_following(&mut self) {
        let Some(following) = self.following.take() else { return };
        self.shared.unsubscribe(&self.keys, following.subscription).await;
        if let Some((request, _)) = following.in_doubt {
            self.tell_request(Some(request), Err(OrderError::Ended), None).await;
        }
    }

    /// The log is no more, or not what it was: whoever is in it begins anew.
    async fn on_lost(&mut self) {
        let Some(log) = self.following.as_ref().map(|following| following.log) else { return };
        self.stop_following().await;
        self.tell(Input::Ended { meeting: self.meeting, log }).await;
    }

    async fn on_call(&mut self, Call { request, log, ask, since }: Call) -> Result<(), Lost> {
        if matches!(ask, Ask::Enter { .. }) {
            self.enter(request, ask, since).await;
            return Ok(());
        }
        let Some(following) = self.following.as_mut().filter(|following| log == Some(following.log)) else {
            self.tell_request(request, Err(OrderError::Ended), None).await;
            return Ok(());
        };
        if let Ask::Append { class, sealed, .. } = &ask
            && sealed.len() > limit(*class)
        {
            self.tell_request(request, Ok(Told::Refused(AppendError::TooLarge)), None).await;
            return Ok(());
        }
        if following.away || !following.owed.is_empty() {
            following.owe(ask);
            self.tell_request(request, Err(OrderError::Away), None).await;
            return Ok(());
        }
        self.last_call += 1;
        let origin = format!("{}:{}", self.shared.node, self.last_call);
        let reply = self.shared.call(&self.keys, log, &following.known, &ask, &origin).await;
        match reply {
            Ok(Reply::Told(told)) => self.tell_request(request, Ok(told), None).await,
            Ok(Reply::Rewound) => {
                self.tell_request(request, Err(OrderError::Ended), None).await;
                return self.on_rewound().await;
            }
            Ok(Reply::Ended | Reply::Behind | Reply::Ticked { .. }) => {
                self.tell_request(request, Err(OrderError::Ended), None).await;
                return Err(Lost);
            }
            Err(Failure::Refused) => {
                following.owe(ask);
                self.tell_request(request, Ok(Told::Refused(AppendError::Full)), None).await;
            }
            Err(Failure::InDoubt) => {
                following.away = true;
                match request {
                    Some(request) => following.in_doubt = Some((request, origin)),
                    None => following.owe(ask),
                }
            }
        }
        Ok(())
    }

    /// While Redis is away, whoever comes in waits: clients give up a server that sends them away again and again.
    async fn enter(&mut self, request: Option<RequestId>, ask: Ask, since: Instant) {
        loop {
            match self.try_to_enter(&ask).await {
                Ok((told, contents)) => return self.tell_request(request, Ok(told), contents).await,
                Err(Failure::InDoubt) if since.elapsed() < ENTERING => sleep(AGAIN).await,
                Err(Failure::InDoubt | Failure::Refused) => break,
            }
        }
        // It may be in: its connection is closed now.
        if let (Some(following), Ask::Enter { who, place, .. }) = (&mut self.following, ask) {
            following.owe(Ask::Away { who, place });
            following.owe(Ask::Gone { who, place });
        }
        self.tell_request(request, Err(OrderError::Away), None).await;
    }

    async fn try_to_enter(&mut self, ask: &Ask) -> Result<(Told, Option<Box<Contents>>), Failure> {
        if let Some(following) = &mut self.following {
            match self.shared.call(&self.keys, Some(following.log), &following.known, ask, "").await {
                Ok(Reply::Told(told)) => return Ok((told, None)),
                Ok(Reply::Rewound) => {
                    let (Ok(()) | Err(Lost)) = self.on_rewound().await;
                    self.on_lost().await;
                }
                Ok(Reply::Ended | Reply::Behind | Reply::Ticked { .. }) => self.on_lost().await,
                Err(failure) => {
                    following.away = true;
                    return Err(failure);
                }
            }
        }
        self.follow(ask).await
    }

    /// Begins to mirror a log as somebody enters. What is told meanwhile waits, and what was read of it is passed over.
    async fn follow(&mut self, ask: &Ask) -> Result<(Told, Option<Box<Contents>>), Failure> {
        let (subscription, pushes) = self.shared.subscribe(&self.keys).await?;
        match self.enter_and_read(ask).await {
            Ok((told, Some((log, contents, known)))) => {
                self.following = Some(Following { log, known, subscription, pushes, away: false, owed: VecDeque::new(), in_doubt: None });
                Ok((told, Some(Box::new(contents))))
            }
            came_to_nothing => {
                self.shared.unsubscribe(&self.keys, subscription).await;
                came_to_nothing.map(|(told, _)| (told, None))
            }
        }
    }

    /// Asks to enter; gives what is in the log, if that is granted.
    async fn enter_and_read(&self, ask: &Ask) -> Result<(Told, Option<(LogId, Contents, Known)>), Failure> {
        let told = match self.shared.call(&self.keys, None, &Known::default(), ask, "").await {
            Ok(Reply::Told(told)) => told,
            Ok(Reply::Ended | Reply::Behind | Reply::Rewound | Reply::Ticked { .. }) | Err(_) => return Err(Failure::InDoubt),
        };
        let Told::Entered { log, .. } = told else { return Ok((told, None)) };
        match self.shared.contents(&self.keys, log).await {
            Ok(Some((contents, known))) => Ok((told, Some((log, contents, known)))),
            Ok(None) | Err(_) => Err(Failure::InDoubt),
        }
    }

    async fn on_push(&mut self, push: Push) -> Result<(), Lost> {
        let Some(following) = &mut self.following else { return Ok(()) };
        match push {
            Push::Entry(marked) => match marked.entry.seq.0.checked_sub(following.known.seq) {
                None | Some(0) => Ok(()),
                Some(1) => {
                    self.deliver(marked).await;
                    Ok(())
                }
                Some(_) => self.fetch().await,
            },
            Push::Large(seq) if seq > following.known.seq => self.fetch().await,
            Push::Large(_) => Ok(()),
            Push::Moved(who, place) => {
                self.tell(Input::Moved { meeting: self.meeting, who, place }).await;
                Ok(())
            }
            Push::Ended(log) if log == following.log => Err(Lost),
            Push::Ended(_) => Ok(()),
        }
    }

    async fn deliver(&mut self, marked: Marked) {
        let Some(following) = &mut self.following else { return };
        following.known = marked.known();
        let log = following.log;
        if following.in_doubt.as_ref().is_some_and(|(_, origin)| *origin == marked.origin) {
            let request = following.in_doubt.take().map(|(request, _)| request);
            self.tell_request(request, Ok(Told::Appended { seq: marked.entry.seq, used: 0 }), None).await;
        }
        self.tell(Input::Ordered { meeting: self.meeting, log, entry: marked.entry }).await;
    }

    /// Reads what was not told.
    async fn fetch(&mut self) -> Result<(), Lost> {
        let Some(following) = &mut self.following else { return Ok(()) };
        let Ok(entries) = self.shared.fetch(&self.keys, &following.known).await else {
            following.away = true;
            return Ok(());
        };
        for marked in entries {
            let Some(following) = &self.following else { return Ok(()) };
            if marked.entry.seq.0 != following.known.seq + 1 {
                return Err(Lost);
            }
            self.deliver(marked).await;
        }
        Ok(())
    }

    async fn on_tick(&mut self) -> Result<(), Lost> {
        let Some(following) = &mut self.following else { return Ok(()) };
        let reply = self.shared.tick(&self.keys, following.log, &following.known).await;
        let (head, lapsed) = match reply {
            Ok(Reply::Ticked { head, lapsed }) => (head, lapsed),
            Ok(Reply::Rewound) => return self.on_rewound().await,
            Ok(Reply::Ended | Reply::Behind | Reply::Told(_)) => {
                self.shared.metrics.on_bus_lost("ended");
                tracing::warn!("Redis has lost a session: its members begin anew");
                return Err(Lost);
            }
            Err(_) => {
                if !std::mem::replace(&mut following.away, true) {
                    tracing::warn!("Redis does not answer: what members append waits");
                }
                return Ok(());
            }
        };
        let was_away = std::mem::take(&mut following.away);
        if head > following.known.seq {
            self.fetch().await?;
        }
        let Some(following) = self.following.as_mut().filter(|following| !following.away) else { return Ok(()) };
        if was_away && let Some((request, _)) = following.in_doubt.take() {
            self.tell_request(Some(request), Err(OrderError::Away), None).await;
        }
        self.pay().await?;
        if lapsed {
            self.tell(Input::Lapsed { meeting: self.meeting }).await;
        }
        Ok(())
    }

    /// Asks what could not be asked.
    async fn pay(&mut self) -> Result<(), Lost> {
        while let Some(following) = &mut self.following
            && let Some(ask) = following.owed.front()
        {
            match self.shared.call(&self.keys, Some(following.log), &following.known, ask, "").await {
                Ok(Reply::Told(_)) | Err(Failure::Refused) => {
                    following.owed.pop_front();
                }
                Ok(Reply::Rewound) => return self.on_rewound().await,
                Ok(Reply::Ended | Reply::Behind | Reply::Ticked { .. }) => return Err(Lost),
                Err(Failure::InDoubt) => {
                    following.away = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Redis lost entries that were given out: the log ends, for all nodes.
    async fn on_rewound(&self) -> Result<(), Lost> {
        if let Some(following) = &self.following {
            self.shared.metrics.on_bus_lost("rewound");
            tracing::error!("Redis has lost a part of a session: its members begin anew");
            self.shared.end(&self.keys, following.log).await;
        }
        Err(Lost)
    }
}

impl Following {
    /// Only what may not be forgotten.
    fn owe(&mut self, ask: Ask) {
        if !matches!(ask, Ask::Append { .. } | Ask::Trim(_) | Ask::Enter { .. }) && self.owed.len() < OWED {
            self.owed.push_back(ask);
        }
    }
}

async fn next_push(following: Option<&mut Following>) -> Option<Push> {
    match following {
        Some(following) => following.pushes.recv().await,
        None => std::future::pending().await,
    }
}
