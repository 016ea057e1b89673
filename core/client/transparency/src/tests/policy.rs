use super::*;

/// Whether these witnesses are enough for a policy that ends in `lines`.
fn enough(lines: &str, witnesses: &[u8]) -> bool {
    let text = format!("{}{lines}", policy_text().split("group").next().expect("keys"));
    let policy = Policy::parse(text.as_bytes()).expect("a policy");
    let signed = Log::of(&entries(3)).signed(&cosigned(witnesses, &[]));
    let cosigners = policy.cosigners(&signed).expect("good signatures");
    assert!(cosigners.has_log());
    cosigners.has_quorum()
}

#[test]
fn quorums_are_thresholds_of_witnesses_and_groups() {
    assert!(enough("quorum none\n", &[]));
    assert!(enough("quorum W2\n", &[2]) && !enough("quorum W2\n", &[1, 3]));
    let two = "group g 2 W1 W2 W3\nquorum g\n";
    assert!(enough(two, &[1, 3]) && !enough(two, &[3]));
    assert!(enough("group g any W1 W2\nquorum g\n", &[2]) && !enough("group g any W1 W2\nquorum g\n", &[3]));
    assert!(enough("group g all W1 W2\nquorum g\n", &[2, 1]) && !enough("group g all W1 W2\nquorum g\n", &[1]));
    let nested = "group a any W1 W2\ngroup b all a W3\nquorum b\n";
    assert!(enough(nested, &[2, 3]) && !enough(nested, &[1, 2]) && !enough(nested, &[3]));
    assert!(enough("  # a comment\n\t\n \tquorum  \t W1 \t\n#quorum W2", &[1]), "white space and comments");
}

#[test]
fn a_policy_that_does_not_mean_one_thing_is_refused() {
    let keys = policy_text();
    let keys = keys.split("group").next().expect("keys");
    let vkey = |n| witness_key(n).verifier().to_string();
    let lines = keys.lines().count();
    let at = lines + 1;
    for (wrong, why) in [
        (String::new(), PolicyError::NoQuorum),
        ("quorum W4\n".to_owned(), PolicyError::Name(at)),
        ("quorum W1\nquorum W1\n".to_owned(), PolicyError::Twice(at + 1)),
        ("quorum\n".to_owned(), PolicyError::Malformed(at)),
        ("quorum W1 W2\n".to_owned(), PolicyError::Malformed(at)),
        ("Quorum W1\n".to_owned(), PolicyError::Malformed(at)),
        ("group g 0 W1\n".to_owned(), PolicyError::Malformed(at)),
        ("group g 2 W1\n".to_owned(), PolicyError::Malformed(at)),
        ("group g 01 W1\n".to_owned(), PolicyError::Malformed(at)),
        ("group g all\n".to_owned(), PolicyError::Malformed(at)),
        ("group g 2 W1 W1\n".to_owned(), PolicyError::Name(at)),
        ("group g any W1\ngroup h any W1\n".to_owned(), PolicyError::Name(at + 1)),
        ("group g any g\n".to_owned(), PolicyError::Name(at)),
        ("group g any none\n".to_owned(), PolicyError::Name(at)),
        ("group W1 any W2\n".to_owned(), PolicyError::Twice(at)),
        ("group none any W2\n".to_owned(), PolicyError::Twice(at)),
        (format!("witness W1 {}\n", vkey(9)), PolicyError::Twice(at)),
        (format!("witness W9 {}\n", vkey(1)), PolicyError::Twice(at)),
        (format!("witness W9 {}\n", key("other", Algorithm::CosignatureV1, 11).verifier()), PolicyError::Twice(at)),
        (format!("witness W9 {}\n", key("other", Algorithm::Ed25519, 99).verifier()), PolicyError::Key(at)),
        (format!("log {}\n", key("other", Algorithm::CosignatureV1, 99).verifier()), PolicyError::Key(at)),
        (format!("log {}\n", log_key().verifier()), PolicyError::Twice(at)),
        ("log nothing\n".to_owned(), PolicyError::Key(at)),
        (format!("witness W9 {} https://a/ more\n", vkey(9)), PolicyError::Malformed(at)),
        ("quorum\rW1\n".to_owned(), PolicyError::NotText),
        ("quorum W1\0\n".to_owned(), PolicyError::NotText),
    ] {
        assert_eq!(Policy::parse(format!("{keys}{wrong}").as_bytes()).map(drop), Err(why), "{wrong}");
    }
    assert_eq!(Policy::parse(b"quorum none\xff").map(drop), Err(PolicyError::NotText));
    assert_eq!(Policy::parse(&vec![b'#'; MAX_POLICY + 1]).map(drop), Err(PolicyError::TooLong));
}

#[test]
fn there_is_room_for_what_everybody_has_to_support_and_an_end() {
    let policy = |groups: u8| {
        let mut text = String::new();
        for n in 0..32 {
            text += &format!("log {}\n", key(&format!("log{n}"), Algorithm::Ed25519, 100 + n).verifier());
            text += &format!("witness W{n} {}\n", key(&format!("w{n}"), Algorithm::MlDsa44, 200_u8.wrapping_add(n)).verifier());
        }
        text += "group g0 any W0\n";
        for n in 1..groups {
            text += &format!("group g{n} any g{}\n", n - 1);
        }
        Policy::parse(format!("{text}quorum g{}\n", groups - 1).as_bytes()).map(drop)
    };
    assert_eq!(policy(32), Ok(()));
    assert_eq!(policy(96), Ok(()));
    assert_eq!(policy(97), Err(PolicyError::TooLong));
}

#[test]
fn one_wrong_signature_of_a_known_key_spoils_the_note_and_unknown_ones_do_not() {
    let signed = Log::of(&entries(3)).signed(&cosigned(&[1, 2, 9], &[]));
    let policy = policy();
    assert_eq!(policy.cosigners(&signed).expect("good").in_quorum(), 2);
    // The other one's line at this tree.
    let forged = witness_key(3).sign(&Log::of(&entries(4)).checkpoint(), NOW).to_string();
    let spoilt = SignedCheckpoint::parse(format!("{signed}{forged}").as_bytes()).expect("a note");
    assert_eq!(policy.cosigners(&spoilt).map(drop), Err(NoteError::BadSignature("w3.example/witness".to_owned())));
    let unknown = witness_key(9).sign(&Log::of(&entries(4)).checkpoint(), NOW).to_string();
    let unknown = SignedCheckpoint::parse(format!("{signed}{unknown}").as_bytes()).expect("a note");
    assert_eq!(policy.cosigners(&unknown).expect("ignored").in_quorum(), 2);
}

#[test]
fn a_log_signs_only_under_its_own_name() {
    let log = Log::of(&entries(3));
    let other = Checkpoint::new("example.org/other", 3, log.checkpoint().root()).expect("a checkpoint");
    let signed = other.signed(&[log_key(), witness_key(1), witness_key(2)], NOW);
    assert!(!policy().cosigners(&signed).expect("good signatures").has_log());
}
