//! A witness cosigns only growth.

use proptest::prelude::*;

use super::*;

fn witness() -> Witness {
    Witness::new(witness_key(2), [log_key().verifier().clone()])
}

fn request(log: &Log, old: u64) -> AddCheckpoint {
    AddCheckpoint { old, proof: log.tiles.consistency(old, log.size).expect("at hand"), checkpoint: log.signed(&[]) }
}

/// As the shell does it: decide, store, take note.
fn add(witness: &mut Witness, request: &AddCheckpoint) -> Result<SignedCheckpoint, Rejected> {
    let cosigned = witness.add_checkpoint(request.to_string().as_bytes(), NOW)?;
    witness.stored(&cosigned);
    Ok(cosigned.checkpoint().clone())
}

#[test]
fn growth_is_cosigned_and_nothing_else() {
    let mut witness = witness();
    let all = entries(40);
    let log = Log::of(&all[..10]);
    let first = add(&mut witness, &request(&log, 0)).expect("the first");
    assert_eq!(first.verify(witness.verifier()), Ok(Some(NOW)));
    assert_eq!(first.verify(log_key().verifier()), Ok(Some(0)), "what is published is signed by the log too");
    assert_eq!(add(&mut witness, &request(&log, 0)), Err(Rejected::OtherSize(10)));
    assert!(add(&mut witness, &request(&log, 10)).is_ok(), "the same again, at a later time");

    let grown = Log::of(&all[..33]);
    assert!(add(&mut witness, &request(&grown, 10)).is_ok());
    assert_eq!(add(&mut witness, &request(&log, 10)), Err(Rejected::OtherSize(33)), "the way back");
    let backwards = AddCheckpoint { old: 33, ..request(&log, 10) };
    assert_eq!(add(&mut witness, &backwards), Err(Rejected::Malformed));
    let unproved = AddCheckpoint { proof: Vec::new(), ..request(&Log::of(&all), 33) };
    assert_eq!(add(&mut witness, &unproved), Err(Rejected::Inconsistent));
    assert!(add(&mut witness, &request(&Log::of(&all), 33)).is_ok());
}

#[test]
fn a_fork_is_refused_at_its_size_and_at_every_later_one() {
    let mut witness = witness();
    let honest = Log::of(&entries(20));
    let kept = add(&mut witness, &request(&honest, 0)).expect("the first");
    let mut forked = entries(20);
    forked[7] = entry(Version(6, 6, 6));
    let mut fork = Log::of(&forked);
    let refused = add(&mut witness, &request(&fork, 20));
    assert_eq!(refused, Err(Rejected::Fork(Box::new(kept))), "with what contradicts it");
    assert_eq!(refused.map_err(|refused| refused.http_status()), Err(422));
    for patch in 0..20 {
        fork.append(&entry(Version(6, 7, patch)));
        assert_eq!(add(&mut witness, &request(&fork, 20)), Err(Rejected::Inconsistent), "{}", fork.size);
        assert_eq!(add(&mut witness, &AddCheckpoint { old: 0, proof: Vec::new(), ..request(&fork, 0) }), Err(Rejected::OtherSize(20)));
    }
    assert_eq!(witness.latest(ORIGIN).map(|latest| latest.checkpoint().root()), Some(honest.checkpoint().root()));
}

#[test]
fn only_known_logs_are_looked_at_and_only_what_they_signed() {
    let mut witness = witness();
    let log = Log::of(&entries(3));
    let good = request(&log, 0);
    let signed_by = |keys: &[SigningKey]| AddCheckpoint { checkpoint: log.checkpoint().signed(keys, NOW), ..good.clone() };
    assert_eq!(add(&mut witness, &signed_by(&[witness_key(1)])), Err(Rejected::NotSigned));
    assert_eq!(add(&mut witness, &signed_by(&[key(ORIGIN, Algorithm::Ed25519, 77)])), Err(Rejected::NotSigned));
    let other = Checkpoint::new("example.org/other", 3, log.checkpoint().root()).expect("a checkpoint").signed(&[log_key()], 0);
    assert_eq!(add(&mut witness, &AddCheckpoint { checkpoint: other, ..good.clone() }), Err(Rejected::UnknownLog));
    // A good signature beside a wrong one of the same key: the note is malformed.
    let wrong = log_key().sign(&Log::of(&entries(4)).checkpoint(), 0);
    let both = SignedCheckpoint::parse(format!("{}{wrong}", log.signed(&[])).as_bytes()).expect("a note");
    assert_eq!(add(&mut witness, &AddCheckpoint { checkpoint: both, ..good.clone() }), Err(Rejected::NotSigned));
    let lie = Checkpoint::new(ORIGIN, 0, Hash::of_bytes(b"not empty")).expect("a checkpoint").signed(&[log_key()], 0);
    assert_eq!(
        add(&mut witness, &AddCheckpoint { checkpoint: lie, ..good.clone() }),
        Err(Rejected::Inconsistent),
        "an empty tree has one hash"
    );
    assert!(add(&mut witness, &good).is_ok());
}

#[test]
fn what_was_not_stored_was_not_seen() {
    let mut witness = witness();
    let log = Log::of(&entries(3));
    assert!(witness.add_checkpoint(request(&log, 0).to_string().as_bytes(), NOW).is_ok());
    assert_eq!(witness.latest(ORIGIN), None);
    let other = Log::of(&[entry(Version(9, 9, 9))]);
    assert!(add(&mut witness, &request(&other, 0)).is_ok());
}

#[test]
fn a_witness_goes_on_from_what_it_stored_and_from_nothing_else() {
    let mut witness = witness();
    let log = Log::of(&entries(3));
    let stored = add(&mut witness, &request(&log, 0)).expect("cosigned").to_string();
    let restored = |text: &str| {
        let mut witness = self::witness();
        witness.restore(text.as_bytes()).map(|()| witness)
    };
    let mut after = restored(&stored).expect("restored");
    assert_eq!(add(&mut after, &request(&log, 0)), Err(Rejected::OtherSize(3)));
    assert!(add(&mut after, &request(&Log::of(&entries(4)), 3)).is_ok());
    for wrong in ["", &log.signed(&[]).to_string(), &log.signed(&[(witness_key(1), NOW)]).to_string(), &stored[..stored.len() - 9]] {
        assert_eq!(restored(wrong).map(drop), Err(RestoreError::NotOurs), "{wrong}");
    }
    assert_eq!(after.restore(stored.as_bytes()), Err(RestoreError::NotOurs), "only once, before it begins");
}

#[test]
fn requests_that_break_the_format_are_refused() {
    let log = Log::of(&entries(3));
    let text = request(&log, 2).to_string();
    assert_eq!(AddCheckpoint::parse(text.as_bytes()).map(|request| request.to_string()), Ok(text.clone()));
    for wrong in
        [text.replace("old 2", "old 02"), text.replace("old 2", "new 2"), text.replacen("\n\n", "\n", 1), text.replace("old 2\n", "")]
    {
        assert!(AddCheckpoint::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let line = text.lines().nth(1).expect("a hash");
    let long = text.replacen(line, &vec![line; MAX_PATH + 1].join("\n"), 1);
    assert_eq!(AddCheckpoint::parse(long.as_bytes()), Err(NoteError::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an operator sends, in whatever order: all that was cosigned is one line of growth.
    #[test]
    fn all_that_is_cosigned_is_one_history(steps in prop::collection::vec((any::<bool>(), 0_u64..12, 0_u64..12, any::<bool>()), 1..40)) {
        let honest = entries(12);
        let mut forked = entries(12);
        forked[5] = entry(Version(6, 6, 6));
        let mut witness = witness();
        let mut cosigned: Vec<Checkpoint> = Vec::new();
        for (fork, size, old, stores) in steps {
            let log = Log::of(&(if fork { &forked } else { &honest })[..size as usize]);
            let proof = log.tiles.consistency(old.min(size), size).expect("at hand");
            let request = AddCheckpoint { old, proof, checkpoint: log.signed(&[]) };
            if let Ok(answer) = witness.add_checkpoint(request.to_string().as_bytes(), NOW) && stores {
                witness.stored(&answer);
                cosigned.push(answer.checkpoint().checkpoint().clone());
            }
        }
        for pair in cosigned.windows(2) {
            let [before, after] = pair else { unreachable!("two") };
            prop_assert!(before.size() <= after.size());
            let on = |entries: &[Vec<u8>], seen: &Checkpoint| Log::of(&entries[..seen.size() as usize]).checkpoint().root() == seen.root();
            let one = [&honest, &forked].iter().any(|entries| on(entries, before) && on(entries, after));
            prop_assert!(one, "{before} and {after}");
        }
    }
}
