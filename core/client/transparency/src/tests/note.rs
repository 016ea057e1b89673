//! Notes, keys and cosignatures, against the examples of the specifications and against tlog_tiles.

use super::*;

/// The example of c2sp.org/signed-note.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\
— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_specifications_note_is_by_its_key() {
    let key: VerifierKey = VKEY.parse().expect("a key");
    assert_eq!(key.to_string(), VKEY);
    let note = Note::parse(NOTE.as_bytes()).expect("a note");
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(&key), Ok(Some(0)));
    assert_eq!(note.verify(log_key().verifier()), Ok(None), "an unknown key says nothing");
    let changed = Note::parse(NOTE.replace("example message", "other message").as_bytes()).expect("a note");
    assert_eq!(changed.verify(&key), Err(NoteError::BadSignature("example.com/foo".to_owned())));
}

#[test]
fn a_key_has_one_spelling_and_its_own_id() {
    for (wrong, why) in [
        (VKEY.replace("530d903a", "530d903b"), KeyError::Id),
        (VKEY.replace("530d903a", "530D903A"), KeyError::Malformed),
        (VKEY.replace("com/foo", "com/fop"), KeyError::Id),
        (VKEY.replace("+Aek", "+Bek"), KeyError::Algorithm),
        (VKEY.replace("+Aek", "+ek"), KeyError::Malformed),
        (VKEY.replace("example.com/foo", ""), KeyError::Name),
        (VKEY.replace("example.com/foo", "example com"), KeyError::Name),
        (VKEY.replace("example.com/foo", &"n".repeat(256)), KeyError::Name),
        (String::new(), KeyError::Malformed),
        ("+".repeat(10_000), KeyError::Malformed),
        // A point of small order is not on the curve's prime subgroup, and its signatures fit several messages; a string that is no point is no key.
        ("x+00000000+AQIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(), KeyError::Malformed),
    ] {
        assert_eq!(wrong.parse::<VerifierKey>(), Err(why), "{wrong}");
    }
}

#[test]
fn notes_that_break_the_format_are_refused() {
    let line = NOTE.rsplit("\n\n").next().expect("a line");
    for wrong in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n{line}"),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n{line}\n"),
        format!("text\n\n{line}more\n"),
        format!("te\txt\n\n{line}"),
        format!("text\r\n\r\n{line}"),
        format!("text\n\n{}", line.replace('—', "-")),
        format!("text\n\n{}", line.replace("com/foo", "com+foo")),
        format!("text\n\n{}", line.replace("com/foo", "com\u{2003}foo")),
        format!("text\n\n{}", line.replace("QM=", "QM")),
        "text\n\n— name AAAA\n".to_owned(),
        "text\n\n— name AAAAAA==\n".to_owned(),
    ] {
        assert_eq!(Note::parse(wrong.as_bytes()), Err(NoteError::Malformed), "{wrong:?}");
    }
    assert_eq!(Note::parse(b"text\xff\n\n"), Err(NoteError::Malformed));
    let note = |lines| format!("text\n\n{}", line.repeat(lines));
    assert_eq!(Note::parse(note(MAX_SIGNATURES).as_bytes()).map(|note| note.signatures().len()), Ok(MAX_SIGNATURES));
    assert_eq!(Note::parse(note(MAX_SIGNATURES + 1).as_bytes()), Err(NoteError::TooLong));
    assert_eq!(Note::parse(&vec![b'a'; MAX_NOTE + 1]), Err(NoteError::TooLong));
}

#[test]
fn the_text_may_have_empty_lines_and_look_like_a_note() {
    let inner = NOTE;
    let note = format!("{inner}\n{}", NOTE.rsplit("\n\n").next().expect("a line"));
    assert_eq!(Note::parse(note.as_bytes()).expect("a note").text(), inner);
}

#[test]
fn checkpoints_are_read_as_the_other_implementation_reads_them() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let good = [format!("example.com/behind-the-sofa\n20852163\n{root}\n"), format!("x\n0\n{root}\nextension\nanother one\n")];
    let bad = [
        String::new(),
        format!("\n1\n{root}\n"),
        format!("x\n01\n{root}\n"),
        format!("x\n-1\n{root}\n"),
        format!("x\n9223372036854775808\n{root}\n"),
        format!("x\n1\n{root}"),
        format!("x\n1\n{}\n", &root[1..]),
        format!("x\n1\n{root}\n\n"),
        format!("x\n1\n{root}\n\nmore\n"),
        "x\n1\n".to_owned(),
    ];
    for text in good {
        let ours = Checkpoint::parse(&text).expect("a checkpoint");
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).expect("a checkpoint");
        assert_eq!((ours.origin(), ours.size(), ours.root().0), (theirs.origin(), theirs.size(), theirs.hash().0));
        assert_eq!(ours.to_string(), text);
    }
    for text in bad {
        assert_eq!(Checkpoint::parse(&text), Err(NotACheckpoint), "{text:?}");
    }
    assert!(Checkpoint::new(&"o".repeat(MAX_ORIGIN + 1), 1, Hash::of_empty_tree()).is_err());
}

#[test]
fn each_way_of_signing_signs_what_it_says_and_nothing_else() {
    let log = Log::of(&entries(5));
    let other = Log::of(&entries(6)).checkpoint();
    for algorithm in [Algorithm::Ed25519, Algorithm::CosignatureV1, Algorithm::MlDsa44] {
        let key = key("example.net/key", algorithm, 3);
        let parsed: VerifierKey = key.verifier().to_string().parse().expect("a key");
        assert_eq!(&parsed, key.verifier());
        let line = key.sign(&log.checkpoint(), NOW);
        let signed = log.checkpoint().signed(&[], 0).with_signatures(&[], vec![line.clone()]);
        let signed = SignedCheckpoint::parse(signed.to_string().as_bytes()).expect("a note");
        assert_eq!(signed.verify(&parsed), Ok(Some(if algorithm.is_timed() { NOW } else { 0 })));
        let moved = other.signed(&[], 0).with_signatures(&[], vec![line]);
        assert!(moved.verify(&parsed).is_err(), "{algorithm:?}: another tree");
    }
    // What is signed as one kind is no signature of another, and a rebuilder's word is not a witness's.
    for (signs, claims) in [(Algorithm::CosignatureV1, Algorithm::Ed25519), (Algorithm::Ed25519, Algorithm::CosignatureV1)] {
        let (signer, other) = (key("example.net/key", signs, 3), key("example.net/key", claims, 3));
        let signed = log.checkpoint().signed(&[signer], NOW);
        assert_eq!(signed.verify(other.verifier()), Ok(None));
    }
}

#[test]
fn a_changed_time_is_a_wrong_signature() {
    for algorithm in [Algorithm::CosignatureV1, Algorithm::MlDsa44] {
        let key = key("example.net/key", algorithm, 3);
        let log = Log::of(&entries(2));
        let later = key.sign(&log.checkpoint(), NOW + 1).to_string();
        let earlier = key.sign(&log.checkpoint(), NOW).to_string();
        // Base64 of 4 bytes of id and 8 of time is 16 characters, which end on a boundary.
        let (start, end) = ("— example.net/key ".len(), "— example.net/key ".len() + 16);
        let mixed = format!("{}{}", &later[..end], &earlier[end..]);
        assert_ne!(later[start..end], earlier[start..end]);
        let note = Note::parse(format!("{}\n{mixed}", log.checkpoint()).as_bytes()).expect("a note");
        assert!(note.verify(key.verifier()).is_err(), "{algorithm:?}");
        let note = Note::parse(format!("{}\n{earlier}{later}", log.checkpoint()).as_bytes()).expect("a note");
        assert_eq!(note.verify(key.verifier()), Ok(Some(NOW + 1)), "of several good lines the latest counts");
    }
}

#[test]
fn a_proof_comes_back_as_it_was_written() {
    let log = Log::of(&entries(9));
    let text = String::from_utf8(log.proof(4, &cosigned(&[1, 2], &[1]))).expect("a text");
    let proof = LogProof::parse(text.as_bytes()).expect("a proof");
    assert_eq!(proof.to_string(), text);
    assert_eq!(proof.extra(), None);
    let extra = text.replace("index 4", "extra AQI=\nindex 4");
    let proof = LogProof::parse(extra.as_bytes()).expect("a proof");
    assert_eq!(proof.extra(), Some(&[1, 2][..]));
    assert_eq!(proof.to_string(), extra);
    for wrong in [
        text.replace("@v1", "@v2"),
        text.replace("index 4", "index 04"),
        text.replace("index 4", "index 4 "),
        text.replace("index 4", "extra AQI\nindex 4"),
        text.replace("index 4", "extra AQI=\nextra AQI=\nindex 4"),
        text.replacen('\n', "\r\n", 1),
        text.replacen("\n\n", "\n", 1),
    ] {
        assert_eq!(LogProof::parse(wrong.as_bytes()), Err(NoteError::Malformed), "{wrong}");
    }
    let line = text.lines().nth(2).expect("a hash");
    let long = text.replacen(line, &vec![line; MAX_PATH].join("\n"), 1);
    assert_eq!(LogProof::parse(long.as_bytes()), Err(NoteError::TooLong));
    assert_eq!(LogProof::parse(&vec![b'a'; MAX_PROOF + 1]), Err(NoteError::TooLong));
}

#[test]
fn a_private_key_is_not_shown() {
    let shown = format!("{:?}", key("example.net/key", Algorithm::Ed25519, 0xa7));
    assert!(!shown.contains("a7a7") && !shown.contains("167, 167"), "{shown}");
}
