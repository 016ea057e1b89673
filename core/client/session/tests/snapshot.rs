//! What the page is given and what it asks for, as JSON: a change of any word is seen and meant.
#![cfg(test)]

use std::fmt::Write as _;

use conclave_base::{Door, MemberId, Permission, Source};
use conclave_session::snapshot::{
    Agreement, ChatLine, Command, Comparison, EndReason, Floor, JoinStep, Logged, LostMember, MediaDoubt, MediaRefusal, Member, Notice,
    NoticeKind, PassphraseStep, Phase, Program, Recognition, RefusalReason, RuleViolation, Security, SecurityState, Snapshot, Software,
    Waiting,
};
use conclave_session::update::{SnapshotUpdate, Status};
use serde::Serialize;

/// One line per value: its name in the source, and its JSON.
macro_rules! lines {
    ($($value:expr),+ $(,)?) => {{
        let mut text = String::new();
        $(
            let source = stringify!($value).split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(text, "{source}\n  {}", json(&$value));
        )+
        text
    }};
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a value of ours")
}

#[test]
fn to_the_screen() {
    let snapshot = Snapshot {
        hides_speech: true,
        phase: Phase::Inside,
        title: "tea".to_owned(),
        security: Security { state: SecurityState::Secure, people: 1, verified: 0 },
        members: vec![Member {
            identity: MemberId::from_bytes([3; 16]).to_text(),
            name: "Amara".to_owned(),
            me: true,
            host: true,
            mic: true,
            camera: false,
            screen: false,
            denied: vec![Permission::Share],
            away_since: None,
            refusal: Some(MediaRefusal { source: Source::ScreenAudio, reason: RefusalReason::WrongSender }),
            doubt: Some(MediaDoubt { source: Source::Screen, forged: true }),
            comparison: Comparison::Differs { at: 1.0, by_me: true },
            recognition: Recognition::Unverified,
            software: Some(Software {
                program: Program::Page { site: "meet.example".to_owned() },
                version: "1.2.3".to_owned(),
                build: Some("0a".repeat(32)),
                agreement: Agreement::Same,
                logged: Logged::Named { version: "1.2.3".to_owned() },
            }),
            person_code: Some(vec!["00000".to_owned(); 6]),
            looks: "amara".to_owned(),
        }],
        lost: vec![LostMember { identity: MemberId::from_bytes([4; 16]).to_text(), name: "Bela".to_owned(), host: false, since: 1.0 }],
        chat: vec![ChatLine {
            id: 1,
            from: String::new(),
            name: "Amara".to_owned(),
            text: "hello".to_owned(),
            at: 1.0,
            mine: true,
            place: 1,
        }],
        unsent: Vec::new(),
        safety_code: Some(vec!["00000".to_owned(); 6]),
        comparable: true,
        epoch: 3,
        notices: vec![Notice { id: 1, at: 1.0, what: NoticeKind::CommitRefused { rule: RuleViolation::NoPsk } }],
        host: true,
        appoints: true,
        door: Door::Ask,
        waiting: vec![Waiting {
            identity: MemberId::from_bytes([5; 16]).to_text(),
            name: "Chidi".to_owned(),
            looks: "chidi".to_owned(),
            since: 1.0,
        }],
        declined: String::new(),
        floor: Floor { hosts_only: vec![Permission::Speak, Permission::Chat], mute_above: Some(9), limit: 20, most: 200 },
        mutes: 2,
        device: true,
        minutes: Some(60),
        ends_at: Some(1_700_000_000_000.0),
    };
    let mut all = format!("{}\n", serde_json::to_string_pretty(&snapshot).expect("a value of ours"));
    all += &lines![
        Phase::LookingUp,
        Phase::NeedsPassphrase { wrong: 2, step: PassphraseStep::Wanted },
        [PassphraseStep::Asked, PassphraseStep::TooManyTries { until: 9.0 }, PassphraseStep::Unreachable, PassphraseStep::OtherServerKey],
        Phase::Prejoin { inside: 1, limit: 2 },
        Phase::Joining { step: JoinStep::Connecting },
        [JoinStep::CatchingUp, JoinStep::Committing],
        Phase::AtTheDoor { since: 1.0, locked: false, hosts: true },
        Phase::Reconnecting { since: 1.0 },
        Phase::Ended { reason: EndReason::LinkCut },
        [
            EndReason::Left,
            EndReason::Removed,
            EndReason::NotFound,
            EndReason::TimeOver,
            EndReason::LinkWrong,
            EndReason::HostMismatch,
            EndReason::Full
        ],
        [EndReason::Declined, EndReason::Version, EndReason::Replaced, EndReason::Refused, EndReason::Unreachable, EndReason::LogBroken],
        [SecurityState::None, SecurityState::Unsure, SecurityState::Parted, SecurityState::Attacked],
        [SecurityState::Unproved, SecurityState::KeyChanged, SecurityState::CodeDiffers, SecurityState::Split],
        [Comparison::None, Comparison::Mine { at: 1.0 }, Comparison::Theirs { at: 1.0 }, Comparison::Both { at: 1.0 }],
        [
            Recognition::Guest,
            Recognition::Verified { key: String::new(), name: "Amara".to_owned(), since: 1.0 },
            Recognition::Changed { name: "Amara".to_owned(), since: 1.0, has_device: true, answered: false },
            Recognition::Differs { at: 1.0 },
        ],
        [RefusalReason::NotSFrame, RefusalReason::Replayed, RefusalReason::AuthenticationFailed, RefusalReason::NoKey],
        RefusalReason::Silenced,
        NoticeKind::Joined { name: "Bela".to_owned() },
        NoticeKind::Left { name: "Bela".to_owned() },
        NoticeKind::Lost { name: "Bela".to_owned() },
        NoticeKind::Removed { name: "Bela".to_owned() },
        NoticeKind::SentBack { name: "Bela".to_owned() },
        NoticeKind::Knocked { name: "Bela".to_owned() },
        NoticeKind::Door { door: Door::Locked },
        NoticeKind::Appointed { name: "Bela".to_owned(), me: true },
        NoticeKind::HostElsewhere { name: "Bela".to_owned() },
        NoticeKind::Floor { what: Permission::Speak, everybody: false },
        NoticeKind::Permitted { what: Permission::Chat, given: true },
        NoticeKind::Muted { by: "Bela".to_owned() },
        [NoticeKind::MutedOnEntry, NoticeKind::LineNotTaken],
        NoticeKind::MediaRefused { name: "Bela".to_owned(), source: Source::Camera, reason: RefusalReason::AuthenticationFailed },
        NoticeKind::MediaUnproved { name: "Bela".to_owned(), source: Source::Microphone, forged: false },
        NoticeKind::Ghost,
        NoticeKind::CodeDiffers { name: "Bela".to_owned(), by_me: true },
        Program::Native,
        [Agreement::Differs, Agreement::Alone, Agreement::Unknown],
        [Logged::Unknown, Logged::NotNamed],
        NoticeKind::OtherSoftware { name: "Bela".to_owned(), me: false, unlogged: true },
        NoticeKind::KeyChanged { name: "Amara".to_owned(), verified: "Amara".to_owned(), has_device: true },
        NoticeKind::Ends { minutes: 5, at: 1_700_000_000_000.0 },
        [NoticeKind::PeopleFull, NoticeKind::Undelivered, NoticeKind::LogForked, NoticeKind::ClockOff],
        NoticeKind::NotRemoved { name: "Bela".to_owned() },
        [RuleViolation::RemoveNotAllowed, RuleViolation::DuplicateKey, RuleViolation::ProposalType, RuleViolation::PolicyNotAllowed],
        [RuleViolation::NotAdmitted, RuleViolation::LeafMalformed, RuleViolation::Invalid],
        SnapshotUpdate { status: Some(Status::default()), removed: vec![String::new()], sent: vec![1], ..SnapshotUpdate::default() },
    ];
    insta::assert_snapshot!(all);
}

#[test]
fn from_the_screen() {
    insta::assert_snapshot!(lines![
        Command::Join { name: "Amara".to_owned() },
        Command::Passphrase { text: "tea".to_owned() },
        Command::Chat { text: "hello".to_owned() },
        Command::Media { mic: true, camera: false, screen: false },
        Command::Remove { identity: MemberId::from_bytes([3; 16]).to_text(), open: false },
        Command::SendBack { identity: MemberId::from_bytes([3; 16]).to_text() },
        Command::SetDoor { door: Door::Open },
        Command::Admit { identities: vec![MemberId::from_bytes([3; 16]).to_text()] },
        Command::Decline { identity: MemberId::from_bytes([3; 16]).to_text(), word: "later".to_owned() },
        Command::Appoint { identity: MemberId::from_bytes([3; 16]).to_text() },
        Command::Mute { identity: None },
        Command::PermitEverybody { what: Permission::Speak, everybody: false },
        Command::Permit { identity: MemberId::from_bytes([3; 16]).to_text(), what: Permission::Chat, given: true },
        Command::MuteAbove { people: Some(9) },
        Command::Limit { people: 20 },
        Command::Compare { identity: MemberId::from_bytes([3; 16]).to_text(), code: vec!["00000".to_owned(); 6], same: true },
        Command::ShowPersonCode { identity: MemberId::from_bytes([3; 16]).to_text() },
        Command::ComparePerson { identity: MemberId::from_bytes([3; 16]).to_text(), code: vec!["00000".to_owned(); 6], same: true },
        Command::KeepCompared { identity: MemberId::from_bytes([3; 16]).to_text() },
        Command::AnswerChange { identity: MemberId::from_bytes([3; 16]).to_text() },
        Command::ForgetPerson { key: String::new() },
        Command::Shown { epoch: 3 },
        Command::MediaPeers { identities: vec![String::new()] },
        Command::Leave,
    ]);
}
