//! The accept rule: what runs, and each refusal with its own words.

use proptest::prelude::*;

use super::*;

const DAY: u64 = 24 * 60 * 60;
const CONFIG: RuleConfig<'_> = RuleConfig { product: "conclave", rebuilders: "rebuilders", max_age: 7 * DAY, cool_down: 3 * DAY };

fn rule() -> AcceptRule {
    AcceptRule::new(policy(), CONFIG).expect("a rule")
}

/// The newest of so many releases, with these cosigners, on a client that saw nothing yet.
fn judge(count: u64, witnesses: &[u8], rebuilders: &[u8]) -> Result<Accepted, Refused> {
    let entries = entries(count);
    let proof = Log::of(&entries).proof(count - 1, &cosigned(witnesses, rebuilders));
    rule().judge(&entries[count as usize - 1], &proof, &mut History::default(), NOW)
}

#[test]
fn what_witnesses_saw_and_enough_rebuilt_runs() {
    let accepted = judge(300, &[1, 3], &[2, 3]).expect("accepted");
    assert_eq!(accepted, Accepted { release: release(Version(0, 0, 299)), witnesses: 2, rebuilders: 2, warning: false });
    assert!(accepted.release.holds("conclave", b"server") && accepted.release.holds("web/index.html", b"page"));
    assert!(!accepted.release.holds("conclave", b"Server") && !accepted.release.holds("desktop", b"server"));
}

#[test]
fn a_log_key_alone_is_worth_nothing() {
    assert_eq!(judge(3, &[], &[1, 2, 3]), Err(Refused::NoQuorum(0)), "rebuilders do not stand in for witnesses");
    assert_eq!(judge(3, &[2], &[1, 2, 3]), Err(Refused::NoQuorum(1)));
}

#[test]
fn witnesses_do_not_stand_in_for_rebuilders() {
    let refused = Refused::TooFewRebuilders { have: 1, need: 2, until: NOW + 3 * DAY };
    assert_eq!(judge(3, &[1, 2, 3], &[1]), Err(refused));
}

#[test]
fn with_too_few_rebuilders_it_runs_after_the_cool_down_and_says_so() {
    let entries = entries(3);
    let log = Log::of(&entries);
    let mut history = History::default();
    let mut judge = |now: u64| {
        let cosigners = [witness_key(1), witness_key(2)].map(|key| (key, now));
        rule().judge(&entries[2], &log.proof(2, &cosigners), &mut history, now)
    };
    let waits = Err(Refused::TooFewRebuilders { have: 0, need: 2, until: NOW + 3 * DAY });
    assert_eq!(judge(NOW), waits);
    assert_eq!(judge(NOW + 3 * DAY - 1), waits, "whoever asks again does not wait for longer, nor for less");
    let accepted = judge(NOW + 3 * DAY).expect("accepted");
    assert!(accepted.warning && accepted.rebuilders == 0);
    assert_eq!(history.waiting.len(), 0);
}

#[test]
fn the_cool_down_of_one_release_is_not_that_of_another() {
    let mut history = History::default();
    let mut log = Log::default();
    for patch in 0..40 {
        let entry = entry(Version(0, 0, patch));
        log.append(&entry);
        let now = NOW + patch * 4 * DAY;
        let cosigners = [witness_key(1), witness_key(2)].map(|key| (key, now));
        let answer = rule().judge(&entry, &log.proof(patch, &cosigners), &mut history, now);
        assert_eq!(answer, Err(Refused::TooFewRebuilders { have: 0, need: 2, until: now + 3 * DAY }));
    }
    assert!(history.waiting.len() <= 16);
}

#[test]
fn no_older_version_and_no_other_release_of_the_same_version() {
    let mut log = Log::default();
    let mut history = History::default();
    let mut judge = |entry: &[u8]| {
        log.append(entry);
        rule().judge(entry, &log.proof(log.size - 1, &cosigned(&[1, 2], &[1, 2])), &mut history, NOW)
    };
    assert!(judge(&entry(Version(1, 2, 0))).is_ok());
    let older = Refused::Older { offered: Version(1, 1, 9), seen: Version(1, 2, 0) };
    assert_eq!(judge(&entry(Version(1, 1, 9))), Err(older));
    let other = Release { commit: [8; 20], ..release(Version(1, 2, 0)) }.to_string();
    assert_eq!(judge(other.as_bytes()), Err(Refused::Changed(Version(1, 2, 0))));
    assert!(judge(&entry(Version(1, 2, 0))).is_ok(), "the same once more");
    assert!(judge(&entry(Version(1, 10, 0))).is_ok(), "numbers, not words");
}

#[test]
fn a_frozen_log_is_refused_once_its_cosignatures_are_old() {
    let entries = entries(3);
    let proof = Log::of(&entries).proof(2, &cosigned(&[1, 2], &[1, 2]));
    let judge = |now| rule().judge(&entries[2], &proof, &mut History::default(), now);
    assert!(judge(NOW + 7 * DAY).is_ok());
    assert_eq!(judge(NOW + 7 * DAY + 1), Err(Refused::Stale));
    assert_eq!(judge(NOW - 301), Err(Refused::Stale), "from the future");
    assert_eq!(judge(0), Err(Refused::Stale));
    assert_eq!(judge(u64::MAX), Err(Refused::Stale));
}

#[test]
fn one_fresh_witness_does_not_freshen_another() {
    let entries = entries(3);
    let cosigners = [(witness_key(1), NOW), (witness_key(2), NOW - 8 * DAY), (witness_key(3), 0)];
    let proof = Log::of(&entries).proof(2, &cosigners);
    assert_eq!(rule().judge(&entries[2], &proof, &mut History::default(), NOW), Err(Refused::Stale));
}

#[test]
fn a_release_with_newer_entries_behind_it_is_refused() {
    let entries = entries(4);
    let proof = Log::of(&entries).proof(2, &cosigned(&[1, 2, 3], &[1, 2, 3]));
    assert_eq!(rule().judge(&entries[2], &proof, &mut History::default(), NOW), Err(Refused::NotLatest));
}

#[test]
fn a_log_that_shrank_or_was_forked_is_refused() {
    let first = entries(4);
    let mut history = History::default();
    let proof = Log::of(&first).proof(3, &cosigned(&[1, 2], &[1, 2]));
    assert!(rule().judge(&first[3], &proof, &mut history, NOW).is_ok());
    let mut judge = |entries: &[Vec<u8>]| {
        let proof = Log::of(entries).proof(entries.len() as u64 - 1, &cosigned(&[1, 2], &[1, 2]));
        rule().judge(&entries[entries.len() - 1], &proof, &mut history, NOW)
    };
    let newer = entry(Version(9, 0, 0));
    assert_eq!(judge(&[first[0].clone(), newer.clone()]), Err(Refused::LogShrank));
    assert_eq!(judge(&[first[0].clone(), first[1].clone(), first[2].clone(), newer]), Err(Refused::LogForked));
}

#[test]
fn what_is_not_in_the_log_or_by_another_log_is_refused() {
    let entries = entries(3);
    let log = Log::of(&entries);
    let proof = log.proof(2, &cosigned(&[1, 2], &[1, 2]));
    let judge = |entry: &[u8], proof: &[u8]| rule().judge(entry, proof, &mut History::default(), NOW);
    assert_eq!(judge(&entry(Version(0, 0, 9)), &proof), Err(Refused::NotInLog));
    assert_eq!(judge(&entries[2][1..], &proof), Err(Refused::NotARelease));
    let other = Release { product: "other".to_owned(), ..release(Version(0, 0, 2)) }.to_string();
    assert_eq!(judge(other.as_bytes(), &proof), Err(Refused::OtherProduct("other".to_owned())));
    assert_eq!(judge(&entries[2], &entries[2]), Err(Refused::Proof(NoteError::Malformed)));
    let stranger = key(ORIGIN, Algorithm::Ed25519, 77);
    let text = String::from_utf8(proof).expect("a text");
    let forged = text.replace(&log_key().sign(&log.checkpoint(), 0).to_string(), &stranger.sign(&log.checkpoint(), 0).to_string());
    assert_ne!(forged, text);
    assert_eq!(judge(&entries[2], forged.as_bytes()), Err(Refused::UnknownLog));
}

#[test]
fn nothing_of_a_refused_log_is_remembered() {
    let entries = entries(3);
    let log = Log::of(&entries);
    for cosigners in [cosigned(&[], &[]), cosigned(&[1], &[1, 2, 3]), vec![(witness_key(1), 1), (witness_key(2), 1)]] {
        let mut history = History::default();
        assert!(rule().judge(&entries[2], &log.proof(2, &cosigners), &mut history, NOW).is_err());
        assert_eq!(history, History::default());
    }
}

#[test]
fn a_rule_needs_a_log_a_quorum_and_rebuilders_of_their_own() {
    let rule = |from: &str, to: &str| {
        let text = policy_text().replace(from, to);
        AcceptRule::new(Policy::parse(text.as_bytes()).expect("a policy"), CONFIG).map(drop)
    };
    assert_eq!(rule("quorum witnesses", "quorum none"), Err(RuleError::NoQuorum));
    assert_eq!(rule("log ", "# log "), Err(RuleError::NoQuorum));
    assert_eq!(rule("group rebuilders", "group builders"), Err(RuleError::NoRebuilders));
    assert_eq!(rule("quorum witnesses", "group both all witnesses rebuilders\nquorum both"), Err(RuleError::Overlap));
}

#[test]
fn a_release_has_one_text() {
    let text = release(Version(1, 2, 3)).to_string();
    assert_eq!(Release::parse(text.as_bytes()), Ok(release(Version(1, 2, 3))));
    let first = text.lines().find(|line| line.starts_with("artefact")).expect("one");
    for wrong in [
        text.replace("conclave-release/v1", "conclave-release/v2"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}{first}\n"),
        text.replace("version 1.2.3", "version 1.02.3"),
        text.replace("version 1.2.3", "version 1.2"),
        text.replace("version 1.2.3", "version 1.2.3.4"),
        text.replace("version 1.2.3", "version 1.2.3-rc1"),
        text.replace(&"07".repeat(20), &"0A".repeat(20)),
        text.replace("web/index.html", "web/../index.html"),
        text.replace("web/index.html", "/index.html"),
        text.replace("web/index.html", "web index.html"),
        text.replace("web/index.html", "web\\index.html"),
        text.replace("web/index.html", "a.html"),
        text.replace("product conclave", "product "),
        text.replace('\n', "\r\n"),
    ] {
        assert_ne!(wrong, text);
        assert_eq!(Release::parse(wrong.as_bytes()), Err(NotARelease), "{wrong}");
    }
    let many = |count: usize| {
        let artefacts = (0..count).map(|n| (format!("file{n}"), Hash::of_bytes(b""))).collect();
        Release::parse(Release { artefacts, ..release(Version(1, 0, 0)) }.to_string().as_bytes()).map(drop)
    };
    assert_eq!(many(MAX_ARTEFACTS), Ok(()));
    assert_eq!(many(MAX_ARTEFACTS + 1), Err(NotARelease));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whoever changes a bit of a proof, or cuts it, gets nothing accepted that was not accepted before.
    #[test]
    fn no_changed_proof_is_accepted(at in any::<prop::sample::Index>(), bit in 0_u8..8, cut in any::<bool>(), which in any::<bool>()) {
        let entries = entries(5);
        let mut entry = entries[4].clone();
        let mut proof = Log::of(&entries).proof(4, &cosigned(&[1, 2], &[1, 2]));
        let changed = if which { &mut proof } else { &mut entry };
        let at = at.index(changed.len());
        if cut { changed.truncate(at) } else { changed[at] ^= 1 << bit }
        let answer = rule().judge(&entry, &proof, &mut History::default(), NOW);
        // A changed name or key id makes a cosigner unknown, which leaves too few.
        prop_assert!(answer.is_err(), "{answer:?}");
    }
}

#[test]
fn what_is_logged_of_a_release_is_made_of_its_sums() {
    let line = |bytes: &[u8], name: &str| format!("{}  {name}\n", Hash::of_bytes(bytes));
    let sums = [line(b"server", "conclave"), line(b"tools", "toolchain.txt"), line(b"page", "web/index.html")].concat();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let of = |commit: &str, tools: &[u8], sums: &str| Release::of_sums("conclave", Version(1, 2, 3), commit, tools, sums.as_bytes());
    let release = of(commit, b"tools", &sums).expect("a release");
    assert_eq!(release.artefacts.keys().collect::<Vec<_>>(), ["conclave", "web/index.html"]);
    assert!(release.holds("web/index.html", b"page") && release.commit_text() == commit);
    assert_eq!((release.sums, release.toolchain), (Hash::of_bytes(sums.as_bytes()), Hash::of_bytes(b"tools")));
    let wrong = [
        of("0123", b"tools", &sums),
        of(commit, b"other tools", &sums),
        of(commit, b"tools", "no sums"),
        of(commit, b"tools", &sums.replace("web/", "../")),
        of(commit, b"tools", &line(b"server", "conclave")),
    ];
    assert!(wrong.iter().all(|release| *release == Err(NotARelease)));
}
