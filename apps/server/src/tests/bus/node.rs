//! A node without members' connections: it asks, mirrors what is ordered, and remembers what it is told.

use std::time::Duration;

use conclave_admission::{Count, Counted, Input, OrderError, RequestId};
use conclave_base::{MeetingId, MemberId, Seq};
use conclave_delivery::{Ask, LogId, Mirror, Ordered, Place, Told};
use conclave_engines as engines;
use conclave_protocol::ws::{Class, LogPosition};

use crate::bus::{Bus, Memory, Redis};
use crate::metrics::Metrics;

/// Everything here comes long before; this bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const MEETING: MeetingId = MeetingId::from_bytes([1; 16]);
pub(super) const PEOPLE: u32 = 50;

pub(super) struct Node {
    pub(super) bus: Bus,
    node: u64,
    bound: usize,
    pub(super) log: Option<LogId>,
    pub(super) mirror: Mirror,
    /// What was ordered since it entered, each once and without a gap.
    pub(super) entries: Vec<Ordered>,
    pub(super) moved: Vec<(MemberId, Place)>,
    pub(super) ended: u32,
    pub(super) lapsed: u32,
    told: Vec<(u64, Result<Told, OrderError>)>,
    counted: Vec<(u64, Result<Counted, OrderError>)>,
    last: u64,
    /// How many logs it wanted to found.
    founded: u8,
}

pub(super) fn who(n: u8) -> MemberId {
    MemberId::from_bytes([n; 16])
}

pub(super) fn append(n: u8, class: Class, parent_commit: u64, sealed: &[u8]) -> Ask {
    Ask::Append { who: who(n), newcomer: false, class, parent_commit: Seq(parent_commit), sealed: sealed.to_vec() }
}

impl Node {
    pub(super) fn alone() -> Self {
        Self::of(Bus::Memory(Memory::default()), 1, conclave_protocol::limits::LOG_BYTES)
    }

    pub(super) async fn at(redis: &engines::Redis, node: u64) -> Self {
        Self::at_url(&redis.url(), node, conclave_protocol::limits::LOG_BYTES).await
    }

    pub(super) async fn at_url(url: &str, node: u64, bound: usize) -> Self {
        let redis = Redis::open(url, node, bound, Metrics::new()).await.expect("Redis");
        Self::of(Bus::Redis(redis), node, bound)
    }

    fn of(bus: Bus, node: u64, bound: usize) -> Self {
        let mirror = Mirror::new(bound);
        Self {
            bus,
            node,
            bound,
            log: None,
            mirror,
            entries: Vec::new(),
            moved: Vec::new(),
            ended: 0,
            lapsed: 0,
            told: Vec::new(),
            counted: Vec::new(),
            last: 0,
            founded: 0,
        }
    }

    pub(super) const fn place(&self, conn: u64) -> Place {
        Place { node: self.node, conn }
    }

    pub(super) async fn enter(&mut self, n: u8, conn: u64) -> Result<Told, OrderError> {
        self.enter_among(n, conn, PEOPLE).await
    }

    pub(super) async fn enter_among(&mut self, n: u8, conn: u64, people: u32) -> Result<Told, OrderError> {
        self.enter_for(n, conn, people, None).await
    }

    /// A log that begins so lasts for so long.
    pub(super) async fn enter_for(&mut self, n: u8, conn: u64, people: u32, lasts: Option<Duration>) -> Result<Told, OrderError> {
        let mut found = LogId([u8::try_from(self.node % 200).expect("small") + 1; 16]);
        found.0[0] = found.0[0].wrapping_add(self.founded);
        self.founded = self.founded.wrapping_add(1);
        self.ask(Ask::Enter { who: who(n), place: self.place(conn), found, people, lasts }).await
    }

    /// Enters until it is let in: Redis may be away.
    pub(super) async fn enter_in_the_end(&mut self, n: u8, conn: u64) {
        let entered = async { while !matches!(self.enter(n, conn).await, Ok(Told::Entered { .. })) {} };
        tokio::time::timeout(PATIENCE, entered).await.expect("let in");
    }

    pub(super) async fn commit(&mut self, n: u8) -> Seq {
        let parent = self.mirror.last_commit().0;
        self.appended(append(n, Class::Commit, parent, b"commit")).await
    }

    pub(super) async fn say(&mut self, n: u8, line: &[u8]) -> Seq {
        self.appended(append(n, Class::Message, 0, line)).await
    }

    async fn appended(&mut self, ask: Ask) -> Seq {
        let told = self.ask(ask).await;
        let Ok(Told::Appended { seq, .. }) = told else { panic!("{told:?}") };
        self.until("its own entry", |node| node.mirror.head() >= seq).await;
        seq
    }

    /// Asks for what needs no answer.
    pub(super) fn order(&mut self, ask: Ask) {
        for input in self.bus.ask(None, MEETING, self.log, ask) {
            self.take(input);
        }
    }

    /// Begins to ask; the answer is [`Self::answer_to`].
    pub(super) fn begin(&mut self, ask: Ask) -> u64 {
        self.last += 1;
        for input in self.bus.ask(Some(RequestId(self.last)), MEETING, self.log, ask) {
            self.take(input);
        }
        self.last
    }

    pub(super) async fn answer_to(&mut self, request: u64) -> Result<Told, OrderError> {
        self.until("an answer", |node| node.told.iter().any(|(of, _)| *of == request)).await;
        let index = self.told.iter().position(|(of, _)| *of == request).expect("told");
        self.told.remove(index).1
    }

    pub(super) async fn ask(&mut self, ask: Ask) -> Result<Told, OrderError> {
        let request = self.begin(ask);
        self.answer_to(request).await
    }

    /// Counts, and waits for the answer.
    pub(super) async fn count(&mut self, count: Count) -> Result<Counted, OrderError> {
        self.last += 1;
        let request = self.last;
        if let Some(input) = self.bus.count(Some(RequestId(request)), count) {
            self.take(input);
        }
        self.until("counted", |node| node.counted.iter().any(|(of, _)| *of == request)).await;
        let index = self.counted.iter().position(|(of, _)| *of == request).expect("counted");
        self.counted.remove(index).1
    }

    pub(super) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let input = tokio::time::timeout(PATIENCE, self.bus.answer()).await;
            self.take(input.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}")).expect("it goes on"));
        }
    }

    /// Takes whatever comes within this time.
    pub(super) async fn pass(&mut self, time: Duration) {
        let taken = async {
            loop {
                let input = self.bus.answer().await.expect("it goes on");
                self.take(input);
            }
        };
        let _passed = tokio::time::timeout(time, taken).await;
    }

    fn take(&mut self, input: Input<'static>) {
        match input {
            Input::Told { request, told, contents } => {
                if let (Ok(Told::Entered { log, .. }), Some(contents)) = (&told, contents) {
                    self.log = Some(*log);
                    self.entries.clone_from(&contents.entries);
                    self.mirror = Mirror::of(self.bound, *contents).expect("in order");
                }
                self.told.push((request.0, told));
            }
            Input::Ordered { log, entry, .. } => {
                assert_eq!(Some(log), self.log);
                self.mirror.apply(entry.clone()).expect("each entry comes once and in order");
                self.entries.push(entry);
            }
            Input::Moved { who, place, .. } => self.moved.push((who, place)),
            Input::Ended { log, .. } => {
                assert_eq!(Some(log), self.log.take());
                self.ended += 1;
            }
            Input::Lapsed { .. } => self.lapsed += 1,
            Input::Counted { request, counted } => self.counted.push((request.0, counted)),
            other @ (Input::Connected { .. }
            | Input::Message { .. }
            | Input::Unreadable { .. }
            | Input::Alive { .. }
            | Input::Sent { .. }
            | Input::Disconnected { .. }
            | Input::HttpRequest { .. }
            | Input::MeetingLoaded { .. }
            | Input::MeetingStored { .. }
            | Input::TokenIssued { .. }
            | Input::Media(_)
            | Input::Timeout
            | Input::Drain { .. }
            | Input::Stop) => panic!("{other:?}"),
        }
    }

    pub(super) fn position(&self) -> LogPosition {
        LogPosition { seq: self.mirror.head(), chain_hash: self.mirror.chain_hash() }
    }

    /// Whom the log called gone.
    pub(super) fn gone(&self) -> Vec<MemberId> {
        let gone = self.entries.iter().filter(|entry| entry.class == Class::Gone);
        gone.map(|entry| MemberId::from_bytes(entry.sealed.as_slice().try_into().expect("an identity"))).collect()
    }

    pub(super) fn lines(&self) -> Vec<Vec<u8>> {
        self.entries.iter().filter(|entry| entry.class == Class::Message).map(|entry| entry.sealed.clone()).collect()
    }
}
