//! The bytes of every message, so that a change of the wire is seen and meant. Rows of docs/protocol.md name the same types.
#![cfg(test)]

use std::fmt::Write as _;

use conclave_base::{Identity, MeetingId, Private, Seq};
use conclave_protocol::http::{CreateMeeting, LookUp, MeetingCreated, MeetingInfo, Problem, ProblemCode};
use conclave_protocol::live::{Class, ClientMessage, CloseReason, Entry, Place, Refusal, ServerMessage};
use conclave_protocol::screen::{
    ChatLine, Command, JoinStep, Lock, LockState, Member, Notice, NoticeKind, Over, Phase, RefusedWhy, Rule, Snapshot, Source, Trouble,
};
use conclave_protocol::sealed::{App, CommitEntry, HostProof, LeafInfo, Meta, Policy};
use serde::Serialize;

const MEETING: MeetingId = MeetingId::from_bytes([0xa0; 16]);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One line per value: its name in the source, and its bytes.
macro_rules! lines {
    ($encode:expr; $($value:expr),+ $(,)?) => {{
        let mut text = String::new();
        $(
            let source = stringify!($value).split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "{source}\n  {}", $encode(&$value));
        )+
        text
    }};
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a value of ours")
}

#[test]
fn http() {
    insta::assert_snapshot!(lines![json;
        CreateMeeting { meeting: MEETING, admission_key: [1; 32], host_fingerprint: [2; 16], sealed_meta: vec![3; 4], expires_in: 60 },
        MeetingCreated { expires_at: 60 },
        LookUp { meeting: MEETING },
        MeetingInfo { sealed_meta: vec![3; 4], expires_at: 60, inside: 2, limit: 200 },
        Problem { code: ProblemCode::NotFound, message: "There is no such meeting.".to_owned() },
        [ProblemCode::Malformed, ProblemCode::TooLarge, ProblemCode::Exists, ProblemCode::Busy, ProblemCode::Internal],
    ]);
}

#[test]
fn from_clients() {
    let encode = |message: &ClientMessage| hex(&message.encode());
    insta::assert_snapshot!(lines![encode;
        ClientMessage::Hello { version: 1, meeting: MEETING, after: None },
        ClientMessage::Hello { version: 1, meeting: MEETING, after: Some(Place { seq: Seq(300), chain: [4; 32] }) },
        ClientMessage::Prove { admission: [1; 64], identity_key: [2; 32], identity: [3; 64] },
        ClientMessage::Append { request: 7, class: Class::Commit, expected: Seq(5), sealed: vec![9; 3] },
        ClientMessage::RenewToken,
        ClientMessage::Ping,
    ]);
}

#[test]
fn from_the_server() {
    let encode = |message: &ServerMessage| hex(&message.encode());
    insta::assert_snapshot!(lines![encode;
        ServerMessage::Challenge { nonce: [1; 32] },
        ServerMessage::Admitted {
            media_token: "jwt".to_owned(),
            media_url: None,
            head: Seq(9),
            last_commit: Seq(8),
            chain: [2; 32],
            stale: false
        },
        ServerMessage::Entry(Entry { seq: Seq(9), class: Class::Proposal, sealed: vec![9; 3], chain: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), class: Class::Message, sealed: Vec::new(), chain: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), class: Class::Knock, sealed: Vec::new(), chain: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), class: Class::Welcome, sealed: Vec::new(), chain: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), class: Class::Snapshot, sealed: Vec::new(), chain: [2; 32] }),
        ServerMessage::Appended { request: 7, seq: Seq(9) },
        ServerMessage::Refused { request: 7, why: Refusal::Stale { last_commit: Seq(8) } },
        ServerMessage::Refused { request: 7, why: Refusal::TooLarge },
        ServerMessage::Refused { request: 7, why: Refusal::Busy },
        ServerMessage::Gone { identity: Identity::from_bytes([3; 16]) },
        ServerMessage::Token { media_token: "jwt".to_owned() },
        ServerMessage::Pong,
        ServerMessage::Closing { reason: CloseReason::Version },
        ServerMessage::Closing { reason: CloseReason::NotFound },
        ServerMessage::Closing { reason: CloseReason::BadProof },
        ServerMessage::Closing { reason: CloseReason::Full },
        ServerMessage::Closing { reason: CloseReason::Malformed },
        ServerMessage::Closing { reason: CloseReason::TooMany },
        ServerMessage::Closing { reason: CloseReason::Timeout },
        ServerMessage::Closing { reason: CloseReason::Replaced },
        ServerMessage::Closing { reason: CloseReason::Expired },
        ServerMessage::Closing { reason: CloseReason::Stopping },
    ]);
}

fn policy() -> Policy {
    Policy { version: 1, host_keys: vec![[4; 32]], lobby: false, locked: false, passphrase: true, limit: 200, suite: 0x4f }
}

#[test]
fn between_clients() {
    let text = |text: &str| Private::new(text.to_owned());
    let mut all = lines![|m: &Meta| hex(&m.encode());
        Meta { title: text("tea"), host_key: [4; 32], policy: policy(), signature: [5; 64] },
    ];
    all += &lines![|m: &LeafInfo| hex(&m.encode());
        LeafInfo { name: text("Amara"), host: None },
        LeafInfo { name: text("Amara"), host: Some(HostProof { key: [4; 32], signature: [5; 64] }) },
    ];
    all += &lines![|m: &CommitEntry| hex(&m.encode());
        CommitEntry { commit: None, group_info: vec![6; 3] },
        CommitEntry { commit: Some(vec![7; 2].into()), group_info: vec![6; 3] },
    ];
    all += &lines![|m: &App| hex(&m.encode());
        App::Chat { text: text("hello") },
        App::State { mic: true, camera: false, screen: true, speaking: false },
        App::Heartbeat { epoch: 300, authenticator: [8; 8], roster: [9; 8] },
    ];
    insta::assert_snapshot!(all);
}

#[test]
fn to_the_screen() {
    let snapshot = Snapshot {
        phase: Phase::Inside,
        title: "tea".to_owned(),
        lock: Lock { state: LockState::Locked, people: 1 },
        members: vec![Member {
            identity: Identity::from_bytes([3; 16]).to_text(),
            name: "Amara".to_owned(),
            me: true,
            host: true,
            mic: true,
            camera: false,
            screen: false,
            speaking: false,
            away_since: None,
            trouble: Some(Trouble { source: Source::ScreenAudio, why: RefusedWhy::NotTheirs }),
        }],
        chat: vec![ChatLine {
            id: 1,
            from: String::new(),
            name: "Amara".to_owned(),
            text: "hello".to_owned(),
            at: 1.0,
            mine: true,
            pending: true,
        }],
        safety_code: Some(vec!["00000".to_owned(); 6]),
        epoch: 3,
        notices: vec![Notice { id: 1, at: 1.0, what: NoticeKind::CommitRefused { rule: Rule::NoPsk } }],
        host: true,
    };
    let mut all = format!("{}\n", serde_json::to_string_pretty(&snapshot).expect("a value of ours"));
    all += &lines![json;
        Phase::Looking,
        Phase::Locked { wrong: 2 },
        Phase::Ready { inside: 1, limit: 2 },
        Phase::Joining { step: JoinStep::Connecting },
        [JoinStep::Reading, JoinStep::Entering],
        Phase::Reconnecting { since: 1.0 },
        Phase::Over { why: Over::LinkCut },
        [Over::Left, Over::Removed, Over::NotFound, Over::LinkWrong, Over::HostMismatch, Over::Full],
        [Over::Version, Over::Replaced, Over::Refused, Over::Unreachable, Over::LogBroken],
        [LockState::None, LockState::Attacked, LockState::Split],
        [RefusedWhy::Unsealed, RefusedWhy::Replayed, RefusedWhy::Altered, RefusedWhy::NoKey],
        NoticeKind::Joined { name: "Bela".to_owned() },
        NoticeKind::Left { name: "Bela".to_owned() },
        NoticeKind::Removed { name: "Bela".to_owned() },
        NoticeKind::MediaRefused { name: "Bela".to_owned(), source: Source::Camera, why: RefusedWhy::Altered },
        NoticeKind::Ghost,
        [Rule::RemoveNotAllowed, Rule::DuplicateKey, Rule::ProposalType, Rule::PolicyNotAllowed],
        [Rule::LeafMalformed, Rule::Invalid],
    ];
    insta::assert_snapshot!(all);
}

#[test]
fn from_the_screen() {
    insta::assert_snapshot!(lines![json;
        Command::Join { name: "Amara".to_owned() },
        Command::Passphrase { text: "tea".to_owned() },
        Command::Chat { text: "hello".to_owned() },
        Command::Media { mic: true, camera: false, screen: false },
        Command::Speaking { on: true },
        Command::Remove { identity: Identity::from_bytes([3; 16]).to_text() },
        Command::Shown { epoch: 3 },
        Command::MediaPeers { identities: vec![String::new()] },
        Command::Leave,
    ]);
}
