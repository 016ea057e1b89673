use std::time::Duration;

use conclave_base::{MemberId, Secret, Seq};
use conclave_protocol::challenge;
use conclave_protocol::http::{ApiErrorCode, CreateMeeting, LookupMeeting};
use conclave_protocol::limits;
use conclave_protocol::ws::{Class, ClientMessage, Entry, LogPosition, Refusal};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::api::{Answer, Call, Record};
use crate::session::GONE_AFTER;

const START: u64 = 1_700_000_000;

/// A shell that keeps records in memory, mints at once, and hands every message over at once unless told otherwise.
struct World {
    rooms: Rooms,
    now: Time,
    kept: BTreeMap<MeetingId, Record>,
    heard: BTreeMap<Conn, Vec<ServerMessage>>,
    closed: BTreeMap<Conn, CloseReason>,
    answers: Vec<Result<Answer, ApiErrorCode>>,
    media: Vec<MediaCommand>,
    /// Takes nothing: what is sent to it stays on the way.
    stuck: Option<Conn>,
    last: u64,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn identity(seed: u8) -> MemberId {
    MemberId::of_key(key(seed).verifying_key().as_bytes())
}

fn meeting() -> MeetingId {
    MeetingId::from_bytes([7; 16])
}

fn create(expires_in: u64) -> CreateMeeting {
    let admission_key = *key(200).verifying_key().as_bytes();
    CreateMeeting { meeting: meeting(), admission_key, host_fingerprint: [1; 16], sealed_meta: vec![2; 40], expires_in }
}

impl World {
    fn empty(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(Secret::new([9; 32]));
        change(&mut config);
        let now = Time::from_millis(START * 1000);
        Self {
            rooms: Rooms::new(config, now),
            now,
            kept: BTreeMap::new(),
            heard: BTreeMap::new(),
            closed: BTreeMap::new(),
            answers: Vec::new(),
            media: Vec::new(),
            stuck: None,
            last: 0,
        }
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::empty(change);
        world.call(Call::Create(create(3600))).expect("made");
        world
    }

    fn new() -> Self {
        Self::with(|_| {})
    }

    fn input(&mut self, input: Input<'_>) {
        // Inputs that come too late are a matter of course.
        let (Ok(()) | Err(InputError::UnknownConnection | InputError::UnknownTicket)) = self.rooms.handle(input, self.now);
        loop {
            let answer = match self.rooms.poll(self.now) {
                Output::Idle(until) => {
                    assert!(until > self.now, "idle, and yet something is due");
                    return;
                }
                Output::Send { conn, bytes } => {
                    let message = postcard_message(&bytes);
                    self.heard.entry(conn).or_default().push(message);
                    if self.stuck == Some(conn) {
                        continue;
                    }
                    Input::Sent { conn, bytes: bytes.len() }
                }
                Output::Close { conn, reason } => {
                    self.closed.insert(conn, reason);
                    Input::Disconnected { conn }
                }
                Output::Answer { answer, .. } => {
                    self.answers.push(answer);
                    continue;
                }
                Output::Load { ticket, meeting } => Input::Loaded { ticket, record: Ok(self.kept.get(&meeting).cloned()) },
                Output::Store { ticket, record } => {
                    let exists = self.kept.contains_key(&record.meeting);
                    self.kept.entry(record.meeting).or_insert(record);
                    Input::Stored { ticket, result: if exists { Err(crate::StoreError::Exists) } else { Ok(()) } }
                }
                Output::Forget { expired } => {
                    self.kept.retain(|_, record| record.expires_at > expired);
                    continue;
                }
                Output::Mint { ticket, .. } => Input::Minted { ticket, token: Some("token".to_owned()) },
                Output::Media(command) => {
                    self.media.push(command);
                    continue;
                }
            };
            let (Ok(()) | Err(InputError::UnknownConnection | InputError::UnknownTicket)) = self.rooms.handle(answer, self.now);
        }
    }

    fn call(&mut self, call: Call) -> Result<Answer, ApiErrorCode> {
        self.last += 1;
        self.input(Input::Http { request: Request(self.last), call });
        self.answers.pop().expect("every request is answered")
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.input(Input::Tick);
    }

    fn connect(&mut self) -> Conn {
        self.last += 1;
        let conn = Conn(self.last);
        self.input(Input::Connected { conn });
        conn
    }

    fn say(&mut self, conn: Conn, message: &ClientMessage) {
        self.input(Input::Message { conn, bytes: &message.encode() });
    }

    fn hello(&mut self, after: Option<LogPosition>) -> (Conn, Option<[u8; 32]>) {
        let conn = self.connect();
        self.say(conn, &ClientMessage::Hello { version: limits::PROTOCOL, meeting: meeting(), after });
        let nonce = self
            .heard(conn)
            .into_iter()
            .find_map(|message| if let ServerMessage::Challenge { nonce } = message { Some(nonce) } else { None });
        (conn, nonce)
    }

    fn prove(&mut self, conn: Conn, admission: &SigningKey, member: &SigningKey, nonce: [u8; 32]) {
        let prove = ClientMessage::Prove {
            admission: admission.sign(&challenge::admission(&meeting(), &nonce)).to_bytes(),
            identity_key: *member.verifying_key().as_bytes(),
            identity: member.sign(&challenge::identity(&meeting(), &nonce)).to_bytes(),
        };
        self.say(conn, &prove);
    }

    fn enter(&mut self, member: u8, after: Option<LogPosition>) -> Conn {
        let (conn, nonce) = self.hello(after);
        self.prove(conn, &key(200), &key(member), nonce.expect("the meeting is kept"));
        conn
    }

    /// The end of the session's log.
    fn place(&self) -> LogPosition {
        let log = &self.rooms.sessions[&meeting()].log;
        LogPosition { seq: log.head(), chain_hash: log.chain_hash() }
    }

    fn append(&mut self, conn: Conn, class: Class, parent_commit: u64, sealed: Vec<u8>) -> ServerMessage {
        self.heard.remove(&conn);
        self.say(conn, &ClientMessage::Append { request: 5, class, parent_commit: Seq(parent_commit), sealed });
        self.heard.get(&conn).and_then(|all| all.first()).cloned().expect("every append is answered")
    }

    fn heard(&mut self, conn: Conn) -> Vec<ServerMessage> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    fn entries(&mut self, conn: Conn) -> Vec<u64> {
        let entries = self
            .heard(conn)
            .into_iter()
            .filter_map(|message| if let ServerMessage::Entry(Entry { seq, .. }) = message { Some(seq.0) } else { None });
        entries.collect()
    }

    fn refused(&self, conn: Conn) -> Option<CloseReason> {
        self.closed.get(&conn).copied()
    }
}

fn postcard_message(bytes: &[u8]) -> ServerMessage {
    ServerMessage::decode(bytes).expect("the server speaks its own language")
}

#[test]
fn who_proves_both_keys_is_let_in_and_gets_a_token() {
    let mut world = World::new();
    let conn = world.enter(1, None);
    let [ServerMessage::Admitted { media_token, head, stale, .. }] = &world.heard(conn)[..] else { panic!("not admitted") };
    assert_eq!((media_token.as_str(), *head, *stale), ("token", Seq(0), false));
    let info = world.call(Call::LookupMeeting(LookupMeeting { meeting: meeting() }));
    assert!(matches!(info, Ok(Answer::Info(info)) if info.inside == 1 && info.limit == limits::PEOPLE));
}

#[test]
fn a_wrong_key_a_foreign_nonce_and_a_foreign_identity_are_refused() {
    let mut world = World::new();
    let (conn, nonce) = world.hello(None);
    world.prove(conn, &key(201), &key(1), nonce.expect("challenged"));
    assert_eq!(world.refused(conn), Some(CloseReason::BadProof));

    let (_, old) = world.hello(None);
    let (conn, fresh) = world.hello(None);
    assert_ne!(old, fresh);
    world.prove(conn, &key(200), &key(1), old.expect("challenged"));
    assert_eq!(world.refused(conn), Some(CloseReason::BadProof));

    let (conn, nonce) = world.hello(None);
    let nonce = nonce.expect("challenged");
    let stolen = ClientMessage::Prove {
        admission: key(200).sign(&challenge::admission(&meeting(), &nonce)).to_bytes(),
        identity_key: *key(1).verifying_key().as_bytes(),
        identity: key(2).sign(&challenge::identity(&meeting(), &nonce)).to_bytes(),
    };
    world.say(conn, &stolen);
    assert_eq!(world.refused(conn), Some(CloseReason::BadProof));
    assert_eq!(world.rooms.counters().bad_proofs, 3);
}

#[test]
fn an_unknown_meeting_another_version_and_a_slow_answer_are_told_apart() {
    let mut world = World::empty(|_| {});
    let (conn, nonce) = world.hello(None);
    assert_eq!((nonce, world.refused(conn)), (None, Some(CloseReason::NotFound)));

    let conn = world.connect();
    world.say(conn, &ClientMessage::Hello { version: 999, meeting: meeting(), after: None });
    assert_eq!(world.refused(conn), Some(CloseReason::Version));

    world.call(Call::Create(create(3600))).expect("made");
    let silent = world.connect();
    let (slow, _) = world.hello(None);
    world.pass(limits::CHALLENGE_TTL);
    assert_eq!((world.refused(silent), world.refused(slow)), (Some(CloseReason::Timeout), Some(CloseReason::Timeout)));
}

#[test]
fn messages_out_of_turn_or_not_understood_close_the_connection_and_are_counted() {
    let mut world = World::new();
    let early = world.connect();
    world.say(early, &ClientMessage::Ping);
    let twice = world.enter(1, None);
    world.say(twice, &ClientMessage::Hello { version: 1, meeting: meeting(), after: None });
    let garbage = world.connect();
    world.input(Input::Message { conn: garbage, bytes: &[0xff; 99] });
    let text = world.connect();
    world.input(Input::Unreadable { conn: text });
    for conn in [early, twice, garbage, text] {
        assert_eq!(world.refused(conn), Some(CloseReason::Malformed));
    }
    assert_eq!(world.rooms.counters().malformed, 4);
}

#[test]
fn everybody_gets_every_entry_and_of_two_commits_one_is_stale() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    assert_eq!(world.append(a, Class::Commit, 0, vec![1]), ServerMessage::Appended { request: 5, seq: Seq(1) });
    let stale = Refusal::Stale { last_commit: Seq(1) };
    assert_eq!(world.entries(b).last(), Some(&1));
    assert_eq!(world.append(b, Class::Commit, 0, vec![2]), ServerMessage::Refused { request: 5, why: stale });
    world.append(b, Class::Message, 0, vec![3]);
    assert_eq!((world.entries(a), world.entries(b)), (vec![1, 2], vec![2]));
    let late = world.enter(3, None);
    assert_eq!(world.entries(late), vec![1]);
    let too_large = world.append(a, Class::Message, 0, vec![0; limits::SEALED_MESSAGE + 1]);
    assert_eq!(too_large, ServerMessage::Refused { request: 5, why: Refusal::TooLarge });
}

#[test]
fn the_same_identity_replaces_itself_and_misses_nothing() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    let first = world.place();
    world.append(b, Class::Message, 0, vec![2]);
    let again = world.enter(1, Some(first));
    assert_eq!(world.refused(a), Some(CloseReason::Replaced));
    assert_eq!(world.entries(again), vec![2]);
    world.pass(GONE_AFTER);
    assert!(!world.heard(b).contains(&ServerMessage::MemberDisconnected { identity: identity(1) }));
    world.enter(2, Some(LogPosition { seq: Seq(99), ..first }));
    let stale = world.heard.values().flatten().any(|m| matches!(m, ServerMessage::Admitted { stale: true, .. }));
    assert!(stale, "an entry that never was makes a client stale");
}

#[test]
fn who_is_away_for_seconds_is_called_gone_and_for_a_minute_put_out_of_media() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.input(Input::Disconnected { conn: a });
    world.pass(GONE_AFTER - Duration::from_millis(1));
    let gone = ServerMessage::MemberDisconnected { identity: identity(1) };
    assert!(!world.heard(b).contains(&gone));
    world.pass(Duration::from_millis(1));
    assert!(world.heard(b).contains(&gone));
    for _ in 0..6 {
        world.pass(Duration::from_secs(10));
        world.say(b, &ClientMessage::Ping);
    }
    assert_eq!(world.media, vec![MediaCommand::Expel { meeting: meeting(), identity: identity(1) }]);
}

#[test]
fn lost_media_is_told_unless_it_is_back_in_time() {
    let mut world = World::new();
    let (_a, b) = (world.enter(1, None), world.enter(2, None));
    let (meeting, identity) = (meeting(), identity(1));
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.input(Input::Media(MediaEvent::Joined { meeting, identity }));
    world.pass(GONE_AFTER);
    assert!(!world.heard(b).contains(&ServerMessage::MemberDisconnected { identity }));
    world.input(Input::Media(MediaEvent::Left { meeting, identity }));
    world.pass(GONE_AFTER);
    assert!(world.heard(b).contains(&ServerMessage::MemberDisconnected { identity }));
}

#[test]
fn a_session_outlives_its_last_member_by_the_linger_only() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 1000]);
    let first = world.place();
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER - Duration::from_millis(1));
    let a = world.enter(1, Some(first));
    assert!(matches!(world.heard(a)[..], [ServerMessage::Admitted { head: Seq(1), stale: false, .. }]));
    world.input(Input::Disconnected { conn: a });
    world.pass(limits::LINGER);
    assert_eq!((world.rooms.sessions.len(), world.rooms.memory), (0, 0));
    let a = world.enter(1, Some(first));
    assert!(matches!(world.heard(a)[..], [ServerMessage::Admitted { head: Seq(0), stale: true, .. }]));
}

#[test]
fn a_full_meeting_takes_nobody_else_but_its_own_back() {
    let mut world = World::with(|config| config.people = 2);
    let (a, _b, c) = (world.enter(1, None), world.enter(2, None), world.enter(3, None));
    assert_eq!(world.refused(c), Some(CloseReason::Full));
    let again = world.enter(1, None);
    assert_eq!((world.refused(a), world.refused(again)), (Some(CloseReason::Replaced), None));
}

#[test]
fn when_its_time_is_up_a_meeting_ends_for_all_and_is_forgotten() {
    let mut world = World::empty(|_| {});
    world.call(Call::Create(create(30))).expect("made");
    let a = world.enter(1, None);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.refused(a), None);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.refused(a), Some(CloseReason::Expired));
    assert_eq!(world.call(Call::LookupMeeting(LookupMeeting { meeting: meeting() })), Err(ApiErrorCode::NotFound));
    world.pass(SWEEP);
    assert!(world.kept.is_empty());
}

#[test]
fn a_flood_is_refused_then_closed_and_the_others_are_served() {
    let mut world = World::new();
    let (a, b) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    for _ in 0..limits::MESSAGE_BURST {
        world.say(a, &ClientMessage::Append { request: 6, class: Class::Message, parent_commit: Seq(0), sealed: vec![1] });
    }
    assert!(world.heard(a).contains(&ServerMessage::Refused { request: 6, why: Refusal::Busy }));
    for _ in 0..2 * limits::MESSAGE_BURST {
        world.say(a, &ClientMessage::Ping);
    }
    assert_eq!(world.refused(a), Some(CloseReason::TooMany));
    assert!(matches!(world.append(b, Class::Message, 0, vec![1]), ServerMessage::Appended { .. }));
}

#[test]
fn a_client_that_takes_nothing_is_given_no_more_than_the_window_and_then_closed() {
    let mut world = World::new();
    let (a, slow) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    world.stuck = Some(slow);
    let size = limits::SEALED_MESSAGE;
    for _ in 0..20 {
        world.append(a, Class::Message, 0, vec![1; size]);
        world.pass(Duration::from_millis(100));
    }
    assert!(world.rooms.conns[&slow].bytes_ahead < crate::WINDOW + size + 100);
    let mut until_closed = 0;
    while world.refused(slow).is_none() && until_closed < 60 {
        world.pass(Duration::from_secs(1));
        world.say(a, &ClientMessage::Ping);
        world.say(slow, &ClientMessage::Ping);
        until_closed += 1;
    }
    assert_eq!(world.refused(slow), Some(CloseReason::Timeout));
    assert_eq!(world.refused(a), None);
}

#[test]
fn what_waits_in_the_log_follows_when_the_client_takes_again() {
    let mut world = World::new();
    let (a, slow) = (world.enter(1, None), world.enter(2, None));
    world.append(a, Class::Commit, 0, vec![1]);
    world.stuck = Some(slow);
    for _ in 0..8 {
        world.append(a, Class::Message, 0, vec![1; limits::SEALED_MESSAGE]);
        world.pass(Duration::from_millis(100));
    }
    world.stuck = None;
    let bytes = world.rooms.conns[&slow].bytes_ahead;
    world.input(Input::Sent { conn: slow, bytes });
    assert_eq!(world.entries(slow), (1..=9).collect::<Vec<_>>());
}

#[test]
fn silence_is_taken_for_absence_and_a_ping_for_life() {
    let mut world = World::new();
    let (silent, alive) = (world.enter(1, None), world.enter(2, None));
    for _ in 0..60 {
        world.pass(Duration::from_secs(1));
        world.say(alive, &ClientMessage::Ping);
    }
    assert_eq!((world.refused(silent), world.refused(alive)), (Some(CloseReason::Timeout), None));
    assert!(world.heard(alive).contains(&ServerMessage::Pong));
}

#[test]
fn tokens_are_renewed_and_a_stop_is_told_to_all_and_to_who_comes_after() {
    let mut world = World::new();
    let a = world.enter(1, None);
    world.say(a, &ClientMessage::RenewToken);
    assert!(world.heard(a).contains(&ServerMessage::Token { media_token: "token".to_owned() }));
    world.input(Input::Stop);
    let late = world.connect();
    assert_eq!((world.refused(a), world.refused(late)), (Some(CloseReason::Stopping), Some(CloseReason::Stopping)));
}

#[test]
fn connections_and_memory_are_bounded_over_all_meetings() {
    let mut world = World::with(|config| (config.connections, config.memory) = (2, 500));
    let a = world.enter(1, None);
    world.append(a, Class::Commit, 0, vec![1; 100]);
    let busy = ServerMessage::Refused { request: 5, why: Refusal::Busy };
    assert_eq!(world.append(a, Class::Message, 0, vec![1; 400]), busy);
    world.connect();
    let third = world.connect();
    assert_eq!(world.refused(third), Some(CloseReason::TooMany));
}

#[test]
fn meetings_are_made_once_within_limits_and_not_too_many_at_once() {
    let mut world = World::empty(|config| config.creations = (1, 4));
    assert!(matches!(world.call(Call::Create(create(u64::MAX))), Ok(Answer::Created(made)) if made.expires_at < START + 367 * 86_400));
    assert_eq!(world.call(Call::Create(create(3600))), Err(ApiErrorCode::Exists));
    assert_eq!(world.call(Call::Create(create(0))), Err(ApiErrorCode::Malformed));
    let large = CreateMeeting { sealed_meta: vec![0; limits::SEALED_META + 1], ..create(3600) };
    assert_eq!(world.call(Call::Create(large.clone())), Err(ApiErrorCode::TooLarge));
    assert_eq!(world.call(Call::Create(large)), Err(ApiErrorCode::Busy));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.call(Call::Create(create(3600))), Err(ApiErrorCode::Exists));
}

#[test]
fn an_admission_key_that_any_signature_fits_is_refused() {
    let mut world = World::empty(|_| {});
    let mut weak = create(3600);
    weak.admission_key = [0; 32];
    weak.admission_key[0] = 1;
    assert_eq!(world.call(Call::Create(weak)), Err(ApiErrorCode::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_sent_hurts_the_others(noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..40)) {
        let mut world = World::new();
        let witness = world.enter(1, None);
        world.append(witness, Class::Commit, 0, vec![1]);
        for bytes in noise {
            let conn = world.enter(2, None);
            world.input(Input::Message { conn, bytes: &bytes });
            let conn = world.connect();
            world.input(Input::Message { conn, bytes: &bytes });
        }
        let appended = matches!(world.append(witness, Class::Message, 0, vec![1]), ServerMessage::Appended { .. });
        prop_assert!(appended);
    }
}
