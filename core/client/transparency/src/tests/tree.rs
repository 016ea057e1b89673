//! Hashes, tiles and proofs, against published values and against tlog_tiles.

use proptest::prelude::*;
use tlog_tiles::{HashReader, TileReader};

use super::*;
use conclave_base::hex;

/// The entries and the tree hashes that Certificate Transparency's implementations test with.
const PUBLISHED: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

fn published_entry(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|n| hex::decode::<1>(&text[2 * n..2 * n + 2]).expect("hexadecimal")[0]).collect()
}

#[test]
fn hashes_are_the_published_ones() {
    assert_eq!(Log::default().checkpoint().root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut log = Log::default();
    for (text, root) in PUBLISHED {
        log.append(&published_entry(text));
        assert_eq!(log.checkpoint().root().to_string(), root, "{} entries", log.size);
    }
}

/// The hash of a tree as RFC 9162, section 2.1.1, defines it.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_empty_tree(),
        [leaf] => *leaf,
        more => {
            let half = (more.len() - 1).ilog2();
            let (left, right) = more.split_at(1 << half);
            Hash::of_node(by_definition(left), by_definition(right))
        }
    }
}

#[test]
fn all_proofs_of_small_trees_hold_and_no_other_place_is_proved() {
    let entries = entries(19);
    let log = Log::of(&entries);
    let leaves: Vec<_> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
    let root = |size: u64| log.tiles.root(size).expect("at hand");
    for size in 0..=19_u64 {
        assert_eq!(root(size), by_definition(&leaves[..size as usize]), "{size}");
        for index in 0..size {
            let path = log.tiles.inclusion(size, index).expect("at hand");
            for (place, leaf) in leaves.iter().enumerate() {
                let proved = verify_inclusion(*leaf, index, size, &path, root(size));
                assert_eq!(proved.is_ok(), place as u64 == index, "{index} of {size}, {place}");
            }
            for other in (0..19).filter(|other| *other != size) {
                assert!(
                    verify_inclusion(leaves[index as usize], index, other, &path, root(other)).is_err(),
                    "{index} of {size} as of {other}"
                );
            }
        }
        for old in 0..=size {
            let path = log.tiles.consistency(old, size).expect("at hand");
            assert_eq!(verify_consistency((old, root(old)), (size, root(size)), &path), Ok(()), "{old} to {size}");
            let lie = Hash::of_bytes(b"another tree");
            assert!(verify_consistency((old, lie), (size, root(size)), &path).is_err(), "{old} to {size}");
            if old > 0 {
                assert!(verify_consistency((old, root(old)), (size, lie), &path).is_err(), "{old} to {size}");
            }
            let longer = [&path[..], &[lie]].concat();
            assert!(verify_consistency((old, root(old)), (size, root(size)), &longer).is_err(), "{old} to {size}");
        }
    }
}

#[test]
fn a_proof_needs_few_tiles_and_names_each_that_is_missing() {
    let log = Log::of(&entries(700));
    let mut some = Tiles::default();
    let mut fetched = 0;
    let path = loop {
        match some.inclusion(700, 300) {
            Ok(path) => break path,
            Err(TilesError::Missing(tile)) => {
                assert_eq!(TileId::from_path(&tile.to_string()), Some(tile), "a tile that can be asked for");
                some.insert(tile, &log.tiles.bytes(tile).expect("the log has it")).expect("well-formed");
                fetched += 1;
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(path, log.tiles.inclusion(700, 300).expect("at hand"));
    assert!(fetched <= 4, "{fetched} tiles");
    assert_eq!(some.inclusion(700, 700), Err(TilesError::OutOfRange));
    assert_eq!(some.consistency(701, 700), Err(TilesError::OutOfRange));
    let tile = TileId::of_hashes(700, 0, 2).expect("in the tree");
    let bytes = log.tiles.bytes(tile).expect("at hand");
    assert_eq!(some.insert(tile, &bytes[32..]), Err(TilesError::Malformed));
    assert_eq!(some.insert(tile, &bytes[1..]), Err(TilesError::Malformed));
    assert_eq!(some.insert(TileId::of_entries(700, 2).expect("in the tree"), &bytes), Err(TilesError::Malformed));
}

#[test]
fn a_log_grows_on_from_the_right_edge_alone() {
    let whole = Log::of(&entries(600));
    for size in [0, 1, 255, 256, 257, 511, 512, 599] {
        let mut edge = Tiles::default();
        let leaf = Hash::of_leaf(&entries(size + 1)[size as usize]);
        let changed = loop {
            match edge.append(size, leaf) {
                Ok(changed) => break changed,
                Err(TilesError::Missing(tile)) => edge.insert(tile, &whole.tiles.bytes(tile).expect("at hand")).expect("well-formed"),
                Err(other) => panic!("{other}"),
            }
        };
        for tile in &changed {
            assert_eq!(edge.bytes(*tile), whole.tiles.bytes(*tile), "{tile}");
        }
        assert_eq!(changed.len(), if size == 255 || size == 511 { 2 } else { 1 }, "{size}");
    }
}

/// Our tiles as tlog_tiles reads them.
struct Published<'a>(&'a Log);

impl TileReader for Published<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let ours = TileId::from_path(&tile.path().replace("tile/8/", "tile/")).expect("their path is one of ours");
            self.0.tiles.bytes(ours).expect("at hand")
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn ours(path: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    path.into_iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn the_other_implementation_names_tiles_the_same() {
    for (level, index, width) in [(0, 0, 256), (0, 1_234_067, 256), (1, 999, 1), (2, 1000, 255)] {
        let tile = TileId { kind: TileKind::Hashes(level), index, width };
        let other = tlog_tiles::Tile::new(8, level, index, u32::from(width), false);
        assert_eq!(tile.to_string(), other.path().replace("tile/8/", "tile/"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_other_implementation_computes_the_same(size in 1_u64..1200, index in any::<prop::sample::Index>(), old in any::<prop::sample::Index>()) {
        let log = Log::of(&entries(size));
        let index = index.index(size as usize) as u64;
        let old = old.index(size as usize) as u64 + 1;
        let root = |size| log.tiles.root(size).expect("at hand");
        let published = Published(&log);
        // The reader checks each tile against the tree's hash.
        let reader = tlog_tiles::TileHashReader::new(size, theirs(root(size)), &published);
        prop_assert_eq!(tlog_tiles::tree_hash(old, &reader).map_err(|e| e.to_string()), Ok(theirs(root(old))));

        let inclusion = tlog_tiles::prove_record(size, index, &reader).expect("a proof");
        prop_assert_eq!(&ours(inclusion.clone()), &log.tiles.inclusion(size, index).expect("at hand"));
        let leaf = reader.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).expect("a leaf")[0];
        prop_assert_eq!(tlog_tiles::check_record(&inclusion, size, theirs(root(size)), index, leaf).map_err(|e| e.to_string()), Ok(()));

        let consistency = tlog_tiles::prove_tree(size, old, &reader).expect("a proof");
        prop_assert_eq!(ours(consistency), log.tiles.consistency(old, size).expect("at hand"));
    }

    /// A proof with one bit changed proves nothing, and both implementations say so.
    #[test]
    fn both_implementations_refuse_the_same_proofs(
        size in 2_u64..600, index in any::<prop::sample::Index>(), old in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), bit in 0_usize..256, drop in any::<bool>(), moved in 0_u64..3,
    ) {
        let entries = entries(size);
        let log = Log::of(&entries);
        let root = log.checkpoint().root();
        let index = index.index(size as usize) as u64;
        let leaf = Hash::of_leaf(&entries[index as usize]);
        let spoil = |path: &mut Vec<Hash>| {
            if path.is_empty() {
                path.push(leaf);
            } else if drop {
                path.remove(at.index(path.len()));
            } else {
                let at = at.index(path.len());
                path[at].0[bit / 8] ^= 1 << (bit % 8);
            }
        };
        let mut path = log.tiles.inclusion(size, index).expect("at hand");
        spoil(&mut path);
        let index = (index + moved).min(size - 1);
        let their_path = path.iter().copied().map(theirs).collect();
        prop_assert!(verify_inclusion(leaf, index, size, &path, root).is_err());
        prop_assert!(tlog_tiles::check_record(&their_path, size, theirs(root), index, theirs(leaf)).is_err());

        let old = old.index(size as usize - 1) as u64 + 1;
        let old_root = log.tiles.root(old).expect("at hand");
        let mut path = log.tiles.consistency(old, size).expect("at hand");
        spoil(&mut path);
        let their_path = path.iter().copied().map(theirs).collect();
        prop_assert!(verify_consistency((old, old_root), (size, root), &path).is_err());
        prop_assert!(tlog_tiles::check_tree(&their_path, size, theirs(root), old, theirs(old_root)).is_err());
    }

    /// Any numbers and any hashes: an answer, and it is no.
    #[test]
    fn no_numbers_make_a_verifier_panic(a in any::<u64>(), b in any::<u64>(), path in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70)) {
        let root = Hash::of_bytes(b"root");
        prop_assert!(verify_inclusion(Hash::of_leaf(b"leaf"), a, b, &path, root).is_err());
        let _ = verify_consistency((a, root), (b, root), &path);
        let mut tiles = Tiles::default();
        let _ = (tiles.inclusion(a, b), tiles.consistency(a, b), tiles.root(a), tiles.append(b, root));
        for tile in [TileId::of_hashes(a, (b % 9) as u8, b / 9), TileId::of_entries(a, b)].into_iter().flatten() {
            prop_assert_eq!(TileId::from_path(&tile.to_string()), Some(tile));
        }
    }
}

#[test]
fn hashes_are_shown_in_hexadecimal() {
    assert_eq!(format!("{:?}", Hash([0xa7; 32])), hex::encode(&[0xa7; 32]));
}
