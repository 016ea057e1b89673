//! The bytes of every message, so that a change of the wire is seen and meant. Rows of docs/protocol.md name the same types.
#![cfg(test)]

use std::fmt::Write as _;

use conclave_base::{Door, MeetingId, MemberId, Redacted, Seq};
use conclave_protocol::http::{
    ApiError, ApiErrorCode, AskHostKeys, CreateMeeting, EvaluatePassphrase, HostKeyOffer, HostKeyOffers, HostKeyState, HostKeyTaken,
    LookupMeeting, MeetingCreated, MeetingInfo, OfferHostKey, PassphraseEvaluated, PassphraseRight, TakeHostKey, UpdateMeeting,
};
use conclave_protocol::payload::{
    Access, App, Appointment, CommitEntry, DeviceProof, Floor, GroupPolicy, HostProof, JoinRequest, LeafInfo, Meta, OrderSignature,
    PassphraseKey, Permitted, Policy, Program, Software,
};
use conclave_protocol::ws::{Class, ClientMessage, CloseReason, Entry, LogPosition, LogTime, Refusal, ServerMessage};
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
        UpdateMeeting { meeting: MEETING, host_key: [4; 32], sealed_meta: vec![3; 4], signature: [5; 64] },
        LookupMeeting { meeting: MEETING },
        MeetingInfo { sealed_meta: vec![3; 4], expires_at: 60, inside: 2, limit: 200, lasts: None },
        MeetingInfo { sealed_meta: vec![3; 4], expires_at: 60, inside: 2, limit: 50, lasts: Some(3_600_000) },
        EvaluatePassphrase { meeting: MEETING, blinded: [6; 32] },
        PassphraseEvaluated { evaluated: [7; 32], proof: [8; 64], server_key: [9; 32] },
        PassphraseRight { meeting: MEETING, blinded: [6; 32], signature: [5; 64] },
        OfferHostKey { meeting: MEETING, host_key: [4; 32], offer: [2; 16], sealed: vec![3; 4], expires_at: 60, signature: [5; 64] },
        AskHostKeys { meeting: MEETING, host_key: [4; 32], withdraw: true, signature: [5; 64] },
        HostKeyOffers {
            offers: [HostKeyState::Waiting, HostKeyState::Taken { at: 30 }, HostKeyState::Withdrawn]
                .map(|state| HostKeyOffer { offer: [2; 16], expires_at: 60, state, tried: 1 })
                .into(),
        },
        TakeHostKey { meeting: MEETING, offer: [2; 16] },
        HostKeyTaken { sealed: vec![3; 4] },
        ApiError::new(ApiErrorCode::NotFound, "There is no such meeting.".to_owned()),
        ApiError { code: ApiErrorCode::TooManyTries, message: "Wait.".to_owned(), retry_after: Some(30) },
        [ApiErrorCode::Malformed, ApiErrorCode::TooLarge, ApiErrorCode::Exists, ApiErrorCode::NotHost, ApiErrorCode::Taken, ApiErrorCode::Busy, ApiErrorCode::Full, ApiErrorCode::Closed, ApiErrorCode::Unavailable, ApiErrorCode::Internal],
    ]);
}

#[test]
fn from_clients() {
    let encode = |message: &ClientMessage| hex(&message.encode());
    insta::assert_snapshot!(lines![encode;
        ClientMessage::Hello { version: 1, meeting: MEETING, after: None },
        ClientMessage::Hello { version: 1, meeting: MEETING, after: Some(LogPosition { seq: Seq(300), chain_hash: [4; 32] }) },
        ClientMessage::Prove { admission: [1; 64], identity_key: [2; 32], identity: [3; 64] },
        ClientMessage::Append { request: 7, class: Class::Commit, parent_commit: Seq(5), sealed: vec![9; 3] },
        ClientMessage::RenewToken,
        ClientMessage::Ping,
        ClientMessage::Leave,
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
            chain_hash: [2; 32],
            stale: false
        },
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::Proposal, sealed: vec![9; 3], chain_hash: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::Message, sealed: Vec::new(), chain_hash: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::JoinRequest, sealed: Vec::new(), chain_hash: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::Welcome, sealed: Vec::new(), chain_hash: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::Snapshot, sealed: Vec::new(), chain_hash: [2; 32] }),
        ServerMessage::Entry(Entry { seq: Seq(9), at: LogTime(5), class: Class::Gone, sealed: vec![3; 16], chain_hash: [2; 32] }),
        ServerMessage::Appended { request: 7, seq: Seq(9) },
        ServerMessage::Refused { request: 7, why: Refusal::Stale { last_commit: Seq(8) } },
        ServerMessage::Refused { request: 7, why: Refusal::TooLarge },
        ServerMessage::Refused { request: 7, why: Refusal::Busy },
        ServerMessage::MediaDisconnected { identity: MemberId::from_bytes([3; 16]) },
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
    Policy {
        version: 1,
        host_keys: vec![[4; 32]],
        lobby: false,
        passphrase: true,
        hides_speech: true,
        hosts_only: Vec::new(),
        mute_above: None,
        limit: 200,
        suite: 0x4f,
    }
}

#[test]
fn between_clients() {
    let text = |text: &str| Redacted::new(text.to_owned());
    let mut all = lines![|m: &Meta| hex(&m.encode());
        Meta { title: text("tea"), host_key: [4; 32], policy: policy(), signature: [5; 64] },
    ];
    all += &lines![|m: &PassphraseKey| hex(&m.encode());
        PassphraseKey { server_key: [9; 32], host_key: [4; 32], signature: [5; 64] },
    ];
    all += &lines![|m: &LeafInfo| hex(&m.encode());
        LeafInfo { name: text("Amara"), host: None, device: None, software: None },
        LeafInfo { name: text("Amara"), host: Some(HostProof { key: [4; 32], signature: [5; 64] }), device: None, software: None },
        LeafInfo { name: text("Amara"), host: None, device: Some(DeviceProof { key: [6; 32], signature: [7; 64] }), software: None },
        LeafInfo { name: text("Amara"), host: None, device: None, software: Some(Software { program: Program::Native, version: [0, 1, 2], build: None }) },
        LeafInfo { name: text("Amara"), host: None, device: None, software: Some(Software { program: Program::Page { site: text("a.example") }, version: [1, 0, 0], build: Some([8; 32]) }) },
    ];
    let proof = HostProof { key: [4; 32], signature: [5; 64] };
    let access = Access {
        order: 300,
        door: Door::Ask,
        admitted: vec![MemberId::from_bytes([1; 16])],
        barred: vec![MemberId::from_bytes([2; 16])],
        appointed: vec![Appointment { leaf_key: [3; 32], proof }],
        floor: Floor {
            speak: Permitted { everybody: false, except: vec![MemberId::from_bytes([1; 16])] },
            chat: Permitted { everybody: true, except: Vec::new() },
            share: Permitted { everybody: true, except: Vec::new() },
            mute_above: Some(9),
            limit: 20,
        },
    };
    all += &lines![|m: &GroupPolicy| hex(&m.encode());
        GroupPolicy { policy: policy(), access, order: Some(OrderSignature { key: [4; 32], signature: [5; 64] }) },
    ];
    all += &lines![|m: &JoinRequest| hex(&m.encode());
        JoinRequest::Knock { name: text("Amara"), leaf_key: [3; 32], signature: [5; 64], seen: None },
        JoinRequest::Decline { who: MemberId::from_bytes([1; 16]), word: text("later"), by: [3; 32], signature: [5; 64] },
        JoinRequest::KeyPackage(vec![9; 2].into()),
    ];
    all += &lines![|m: &CommitEntry| hex(&m.encode());
        CommitEntry { commit: None, group_info: vec![6; 3], welcome: None },
        CommitEntry { commit: Some(vec![7; 2].into()), group_info: vec![6; 3], welcome: None },
        CommitEntry { commit: Some(vec![7; 2].into()), group_info: vec![6; 3], welcome: Some(vec![8; 2].into()) },
    ];
    all += &lines![|m: &App| hex(&m.encode());
        App::Chat { id: 70, text: text("hello") },
        App::State { mic: true, camera: false, screen: true },
        App::Heartbeat { epoch: 300, authenticator: [8; 8], roster: [9; 8], seq: Seq(400), chain_hash: [7; 8], mic: true },
        App::Mute { who: vec![MemberId::from_bytes([1; 16])] },
        App::Comparison { with: MemberId::from_bytes([1; 16]), authenticator: [8; 8], same: true },
    ];
    insta::assert_snapshot!(all);
}
