use conclave_admission::Record;
use conclave_base::MeetingId;

use crate::store::{Inserted, Store};

fn record(expires_at: u64) -> Record {
    Record {
        meeting: MeetingId::from_bytes([1; 16]),
        admission_key: [2; 32],
        host_fingerprint: [3; 16],
        sealed_meta: vec![4; 50],
        expires_at,
    }
}

#[test]
fn a_meeting_outlives_the_process_until_it_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = record(1_000);
    assert_eq!(Store::open(folder.path()).expect("new").insert(&kept), Ok(Inserted::Kept));
    let store = Store::open(folder.path()).expect("again");
    assert_eq!(store.find(kept.meeting), Ok(Some(kept.clone())));
    assert_eq!(store.insert(&kept), Ok(Inserted::Exists));
    let renamed = Record { sealed_meta: vec![5; 60], ..kept.clone() };
    assert_eq!(store.update(kept.meeting, &renamed.sealed_meta), Ok(()));
    assert_eq!(store.find(kept.meeting), Ok(Some(renamed)));
    assert_eq!(store.delete_expired(999), Ok(0));
    assert_eq!(store.delete_expired(1_000), Ok(1));
    assert_eq!(store.find(kept.meeting), Ok(None));
}

#[test]
fn a_full_database_says_so_until_something_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = |id: u8, expires_at| Record { meeting: MeetingId::from_bytes([id; 16]), ..record(expires_at) };
    let store = Store::open_for(folder.path(), 2).expect("new");
    assert_eq!((store.insert(&other(1, 1_000)), store.insert(&other(2, 2_000))), (Ok(Inserted::Kept), Ok(Inserted::Kept)));
    drop(store);
    let store = Store::open_for(folder.path(), 2).expect("again");
    assert_eq!(store.insert(&other(3, 3_000)), Ok(Inserted::Full));
    assert_eq!(store.delete_expired(1_000), Ok(1));
    assert_eq!((store.insert(&other(3, 3_000)), store.insert(&other(4, 3_000))), (Ok(Inserted::Kept), Ok(Inserted::Full)));
}

#[test]
fn nothing_of_what_was_deleted_or_replaced_is_left_in_any_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (replaced, deleted) = (b"the first sealed title".repeat(4), b"the last sealed title".repeat(4));
    let holds = |what: &[u8]| {
        let mut files =
            std::fs::read_dir(folder.path()).expect("there").flatten().map(|file| std::fs::read(file.path()).expect("readable"));
        files.any(|bytes| bytes.windows(what.len()).any(|window| window == what))
    };
    let store = Store::open(folder.path()).expect("new");
    let kept = Record { sealed_meta: replaced.clone(), ..record(1_000) };
    store.insert(&kept).expect("kept");
    store.update(kept.meeting, &deleted).expect("replaced");
    assert!(holds(&replaced) && holds(&deleted), "this test looks in the right place");
    store.empty_journal().expect("emptied");
    assert!(!holds(&replaced) && holds(&deleted));
    store.delete_expired(1_000).expect("deleted");
    store.empty_journal().expect("emptied");
    assert!(!holds(&deleted));
}

#[test]
fn an_unwritable_folder_is_said_with_what_to_do() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Store::open(file.path()).err().expect("a file is no folder");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_database_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Store::open(folder.path()).expect("new"));
    let connection = rusqlite::Connection::open(folder.path().join("conclave.sqlite")).expect("kept");
    assert_eq!(
        connection.pragma_query_value(None, "user_version", |row| row.get(0)),
        Ok(1),
        "the schema's version of every release so far"
    );
    connection.pragma_update(None, "user_version", 99).expect("written");
    let error = Store::open(folder.path()).err().expect("it knows more tables than this release");
    assert!(error.to_string().contains("newer release"), "{error}");
}
