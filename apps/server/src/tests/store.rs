//! Both forms of the store are held to the same.

use std::time::Duration;

use conclave_admission::{Plan, Record, StoreError};
use conclave_base::MeetingId;
use conclave_engines as engines;

use crate::store::{Postgres, Sqlite, Store};

fn record(expires_at: u64) -> Record {
    Record {
        meeting: MeetingId::from_bytes([1; 16]),
        admission_key: [2; 32],
        host_fingerprint: [3; 16],
        sealed_meta: vec![4; 50],
        expires_at,
        plan: Plan::default(),
    }
}

fn other(id: u8, expires_at: u64) -> Record {
    Record { meeting: MeetingId::from_bytes([id; 16]), ..record(expires_at) }
}

/// `open` opens the same store anew, for so many meetings.
async fn a_meeting_outlives_the_process_until_it_expires<S: Store>(open: impl AsyncFn(u64) -> S) {
    let kept = record(1_000);
    assert_eq!(open(9).await.insert(&kept).await, Ok(()));
    let store = open(9).await;
    assert_eq!(store.find(kept.meeting).await, Ok(Some(kept.clone())));
    assert_eq!(store.insert(&kept).await, Err(StoreError::Exists));
    let renamed = Record { sealed_meta: vec![5; 60], ..kept.clone() };
    assert_eq!(store.update(kept.meeting, &renamed.sealed_meta).await, Ok(()));
    assert_eq!(store.find(kept.meeting).await, Ok(Some(renamed)));
    assert_eq!(store.delete_expired(999).await, Ok(0));
    assert_eq!(store.delete_expired(1_000).await, Ok(1));
    assert_eq!(store.find(kept.meeting).await, Ok(None));
    assert_eq!(store.update(kept.meeting, &[6]).await, Ok(()));
    assert_eq!(store.find(kept.meeting).await, Ok(None), "what has expired stays away");
    let plan = Plan { people: Some(50), lasts: Some(Duration::from_millis(12_345)) };
    let planned = Record { plan, ..other(8, 1_000) };
    assert_eq!(store.insert(&planned).await, Ok(()));
    assert_eq!(store.find(planned.meeting).await, Ok(Some(planned)));
    assert_eq!(store.delete_expired(1_000).await, Ok(1));
    let farthest = other(9, u64::MAX);
    assert_eq!(store.insert(&farthest).await, Ok(()));
    assert!(store.find(farthest.meeting).await.is_ok_and(|found| found.is_some_and(|found| found.expires_at > 1 << 60)));
    assert_eq!(store.delete_expired(u64::MAX).await, Ok(1));
}

async fn a_full_one_says_so_until_something_expires<S: Store>(open: impl AsyncFn(u64) -> S) {
    let store = open(2).await;
    assert_eq!((store.insert(&other(1, 1_000)).await, store.insert(&other(2, 2_000)).await), (Ok(()), Ok(())));
    drop(store);
    let store = open(2).await;
    assert_eq!(store.insert(&other(3, 3_000)).await, Err(StoreError::Full));
    assert_eq!(store.delete_expired(1_000).await, Ok(1));
    assert_eq!((store.insert(&other(3, 3_000)).await, store.insert(&other(4, 3_000)).await), (Ok(()), Err(StoreError::Full)));
    assert_eq!(store.delete_expired(3_000).await, Ok(2));
}

#[tokio::test]
async fn sqlite_keeps_meetings() {
    for case in 0..2 {
        let folder = tempfile::tempdir().expect("a folder");
        let open = async |bound| Sqlite::open_for(folder.path(), bound).expect("opened");
        match case {
            0 => a_meeting_outlives_the_process_until_it_expires(open).await,
            _ => a_full_one_says_so_until_something_expires(open).await,
        }
    }
}

#[tokio::test]
async fn postgres_keeps_meetings() {
    let server = engines::Postgres::start().expect("PostgreSQL");
    let open = async |bound| Postgres::open_for(&server.url(), bound).await.expect("opened");
    a_meeting_outlives_the_process_until_it_expires(open).await;
    a_full_one_says_so_until_something_expires(open).await;
}

#[tokio::test]
async fn meetings_of_before_there_were_plans_have_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = rusqlite::Connection::open(folder.path().join("conclave.sqlite")).expect("new");
    old.execute_batch(
        "CREATE TABLE meeting (id BLOB PRIMARY KEY, admission_key BLOB NOT NULL, host_fingerprint BLOB NOT NULL, sealed_meta BLOB NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         INSERT INTO meeting VALUES (x'01010101010101010101010101010101', zeroblob(32), zeroblob(16), x'04', 1000);
         PRAGMA user_version = 1;",
    )
    .expect("as the release before made it");
    drop(old);
    let store = Sqlite::open(folder.path()).expect("brought to this release's form");
    let found = store.find(record(0).meeting).await.expect("found").expect("kept");
    assert_eq!((found.plan, found.expires_at), (Plan::default(), 1_000));
}

#[tokio::test]
async fn nodes_that_begin_at_once_make_the_tables_of_postgres_once() {
    let server = engines::Postgres::start().expect("PostgreSQL");
    let url = server.url();
    let opened = futures_util::future::join_all((0..4).map(|_| Postgres::open(&url))).await;
    let stores: Vec<_> = opened.into_iter().map(|store| store.expect("opened")).collect();
    assert_eq!(stores[0].insert(&record(1_000)).await, Ok(()));
    for store in &stores[1..] {
        assert_eq!(store.insert(&record(1_000)).await, Err(StoreError::Exists));
    }
}

#[tokio::test]
async fn postgres_that_hangs_or_is_gone_is_told_soon_and_is_well_again_by_itself() {
    let mut server = engines::Postgres::start().expect("PostgreSQL");
    let store = Postgres::open(&server.url()).await.expect("opened");
    let kept = record(1_000);
    assert_eq!(store.insert(&kept).await, Ok(()));
    let within = std::time::Duration::from_secs(10);
    let ask = || tokio::time::timeout(within, store.find(kept.meeting));
    server.pause().expect("paused");
    assert_eq!(ask().await, Ok(Err(StoreError::Busy)), "it hangs");
    server.resume().expect("resumed");
    until_found(&store, &kept).await;
    server.crash().expect("crashed");
    assert_eq!(ask().await, Ok(Err(StoreError::Busy)), "it is gone");
    server.start_again().expect("started");
    until_found(&store, &kept).await;
}

async fn until_found(store: &Postgres, kept: &Record) {
    let patience = std::time::Duration::from_secs(60);
    let found = async { while store.find(kept.meeting).await != Ok(Some(kept.clone())) {} };
    tokio::time::timeout(patience, found).await.expect("it is well again");
}

#[tokio::test]
async fn what_postgres_refuses_is_said_with_what_to_do_and_without_the_password() {
    let server = engines::Postgres::start().expect("PostgreSQL");
    let said = async |url: &str| format!("{:?}", Postgres::open(url).await.err().expect("refused"));
    let wrong = server.url().replace("conclave:", "conclave:not-");
    assert!(said(&wrong).await.contains("cannot be reached"), "{}", said(&wrong).await);
    for url in [&wrong, "mysql://conclave:secret@host/name", &format!("postgres://conclave:{}@:port:/", server.password())] {
        let said = said(url).await;
        assert!(said.contains("--database"), "{said}");
        assert!(!said.contains(server.password()) && !said.contains("secret"), "{said}");
    }
}

#[tokio::test]
async fn tables_of_a_newer_release_are_refused() {
    let server = engines::Postgres::start().expect("PostgreSQL");
    drop(Postgres::open(&server.url()).await.expect("new"));
    let pool = sqlx::PgPool::connect(&server.url()).await.expect("connected");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'newer', true, '', 0)";
    sqlx::query(newer).execute(&pool).await.expect("written");
    let error = Postgres::open(&server.url()).await.err().expect("it knows more tables than this release");
    assert!(error.to_string().contains("newer release"), "{error}");
}

#[tokio::test]
async fn nothing_of_what_was_deleted_or_replaced_is_left_in_any_file_of_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let (replaced, deleted) = (b"the first sealed title".repeat(4), b"the last sealed title".repeat(4));
    let holds = |what: &[u8]| {
        let mut files =
            std::fs::read_dir(folder.path()).expect("there").flatten().map(|file| std::fs::read(file.path()).expect("readable"));
        files.any(|bytes| bytes.windows(what.len()).any(|window| window == what))
    };
    let store = Sqlite::open(folder.path()).expect("new");
    let kept = Record { sealed_meta: replaced.clone(), ..record(1_000) };
    store.insert(&kept).await.expect("kept");
    store.update(kept.meeting, &deleted).await.expect("replaced");
    assert!(holds(&replaced) && holds(&deleted), "this test looks in the right place");
    assert_eq!(store.delete_expired(999).await, Ok(0));
    assert!(!holds(&replaced) && holds(&deleted));
    assert_eq!(store.delete_expired(1_000).await, Ok(1));
    assert!(!holds(&deleted));
}

#[test]
fn an_unwritable_folder_is_said_with_what_to_do() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Sqlite::open(file.path()).err().expect("a file is no folder");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_file_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Sqlite::open(folder.path()).expect("new"));
    let connection = rusqlite::Connection::open(folder.path().join("conclave.sqlite")).expect("kept");
    assert_eq!(connection.pragma_query_value(None, "user_version", |row| row.get(0)), Ok(2), "the schema's version of this release");
    connection.pragma_update(None, "user_version", 99).expect("written");
    let error = Sqlite::open(folder.path()).err().expect("it knows more tables than this release");
    assert!(error.to_string().contains("newer release"), "{error}");
}
