//! Noise, and valid inputs with a piece changed: everything is answered, and what is taken is written back as it came.

use proptest::prelude::*;

use super::*;

const TOOLS: &[u8] = b"rustc 1\n";

/// A valid input of each kind.
fn samples() -> Vec<Vec<u8>> {
    let entries = entries(9);
    let log = Log::of(&entries);
    let request = AddCheckpoint { old: 4, proof: log.tiles.consistency(4, 9).expect("at hand"), checkpoint: log.signed(&[]) };
    vec![
        entries[8].clone(),
        log.proof(8, &cosigned(&[1, 2], &[1])),
        log.signed(&cosigned(&[1, 2], &[])).to_string().into_bytes(),
        policy_text().into_bytes(),
        request.to_string().into_bytes(),
        witness_key(1).verifier().to_string().into_bytes(),
        b"tile/1/x001/x234/067.p/8".to_vec(),
        format!("{}  conclave\n{}  toolchain.txt\n{}  web/a\n", Hash::of_bytes(b"server"), Hash::of_bytes(TOOLS), Hash::of_bytes(b"page"))
            .into_bytes(),
        b"# policy\ncontent-security-policy: default-src 'none'\nreferrer-policy: no-referrer\n".to_vec(),
        b"{\"release\":\"1.2.3\",\"more\":[1,{\"a\":null}]}".to_vec(),
    ]
}

/// Gives the bytes to everything that reads bytes.
fn read_by_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    let same = |written: Option<String>| written.is_none_or(|written| written.as_bytes() == bytes);
    prop_assert!(same(Release::parse(bytes).ok().map(|v| v.to_string())));
    prop_assert!(same(LogProof::parse(bytes).ok().map(|v| v.to_string())));
    prop_assert!(same(Note::parse(bytes).ok().map(|v| v.to_string())));
    prop_assert!(same(SignedCheckpoint::parse(bytes).ok().map(|v| v.to_string())));
    prop_assert!(same(AddCheckpoint::parse(bytes).ok().map(|v| v.to_string())));
    let lines = NoteSignature::parse_lines(bytes).ok();
    prop_assert!(same(lines.map(|lines| lines.iter().map(ToString::to_string).collect())));
    if let Ok(text) = std::str::from_utf8(bytes) {
        prop_assert!(same(text.parse::<VerifierKey>().ok().map(|v| v.to_string())));
        prop_assert!(same(text.parse::<Version>().ok().map(|v| v.to_string())));
        prop_assert!(same(TileId::from_path(text).map(|v| v.to_string())));
        prop_assert!(same(Checkpoint::parse(text).ok().map(|v| v.to_string())));
    }
    if let Ok(policy) = Policy::parse(bytes) {
        let signed = Log::of(&entries(2)).signed(&cosigned(&[1, 2, 3], &[1]));
        if let Ok(cosigners) = policy.cosigners(&signed) {
            let _ = (cosigners.has_quorum(), cosigners.in_quorum(), policy.group("rebuilders").map(|group| cosigners.has_group(&group)));
        }
    }
    for width in [1, 2, 255, 256] {
        for tile in [TileId::of_hashes(width, 0, 0), TileId::of_entries(width, 0)].into_iter().flatten() {
            let _ = (entries_of(tile, bytes), Tiles::default().insert(tile, bytes));
        }
    }
    // What names a release's files, what says the page's headers, and a deployment's settings. Whatever a list says, the release that it makes has one text.
    if let Ok(release) = Release::of_sums("conclave", Version(1, 2, 3), &"07".repeat(20), TOOLS, bytes) {
        prop_assert_eq!(Release::parse(release.to_string().as_bytes()), Ok(release));
    }
    let mut released = release(Version(1, 2, 3));
    released.artefacts.insert("web/headers.txt".to_owned(), Hash::of_bytes(bytes));
    if let Ok(page) = ReleasedPage::new(&released, bytes) {
        let text = String::from_utf8_lossy(bytes);
        let headers: Vec<_> =
            text.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        for body in [bytes, b"{\"release\":\"1.2.3\"}"] {
            let answer = Answer { status: 200, headers: &headers, body };
            let _ = (page.settings(&answer), page.differences("index.html", &answer), page.files().count());
        }
    }
    let witness = Witness::new(witness_key(1), [log_key().verifier().clone()]);
    let _ = witness.add_checkpoint(bytes, NOW);
    prop_assert!(Witness::new(witness_key(1), [log_key().verifier().clone()]).restore(bytes).is_err() || Note::parse(bytes).is_ok());
    Ok(())
}

fn entries_of(tile: TileId, bytes: &[u8]) -> usize {
    crate::entries(tile, bytes).map_or(0, |entries| entries.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn noise_is_answered(noise in prop::collection::vec(any::<u8>(), 0..600)) {
        read_by_all(&noise)?;
    }

    #[test]
    fn lines_of_the_right_letters_are_answered(text in "(— |old |index |extra |log |witness |group |quorum |[0-9]{1,21}|[a-z./+]{1,9}|[A-Za-z0-9+/]{40,44}=?| |\n|\n\n){0,40}") {
        read_by_all(text.as_bytes())?;
    }

    #[test]
    fn changed_inputs_are_answered(
        which in 0_usize..10, at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0_u8..5,
    ) {
        let mut bytes = samples()[which].clone();
        let (at, to) = (at.index(bytes.len()), to.index(bytes.len()));
        match how {
            0 => bytes[at] ^= byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            3 => drop(bytes.drain(at.min(to)..at.max(to))),
            _ => {
                let piece = bytes[at.min(to)..at.max(to)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
        read_by_all(&bytes)?;
    }
}

#[test]
fn the_samples_are_what_they_should_be() {
    let samples = samples();
    assert!(Release::parse(&samples[0]).is_ok() && LogProof::parse(&samples[1]).is_ok() && SignedCheckpoint::parse(&samples[2]).is_ok());
    assert!(Policy::parse(&samples[3]).is_ok() && AddCheckpoint::parse(&samples[4]).is_ok());
    let made = Release::of_sums("conclave", Version(1, 2, 3), &"07".repeat(20), TOOLS, &samples[7]);
    assert!(made.is_ok_and(|release| release.artefacts.len() == 2));
    assert!(String::from_utf8_lossy(&samples[5]).parse::<VerifierKey>().is_ok());
    for sample in samples {
        read_by_all(&sample).expect("answered");
    }
}
