//! What outlives the process: one row a meeting, and nothing of who meets.

use std::path::Path;

use anyhow::Context as _;
use conclave_admission::Record;
use conclave_base::MeetingId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};

pub(crate) struct Store(Connection);

/// Each step brings the schema from its index to the next; never edited once released.
const MIGRATIONS: &[&str] = &["CREATE TABLE meeting (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    admission_key BLOB NOT NULL CHECK (length(admission_key) = 32),
    host_fingerprint BLOB NOT NULL CHECK (length(host_fingerprint) = 16),
    sealed_meta BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX meeting_expiry ON meeting (expires_at);"];

impl Store {
    /// Opens or makes the database in `folder`.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let advice = || {
            format!("the data folder {} cannot be written: choose another with --data, or allow this user to write there", folder.display())
        };
        std::fs::create_dir_all(folder).with_context(advice)?;
        let connection = Connection::open(folder.join("conclave.sqlite")).with_context(advice)?;
        connection.pragma_update(None, "journal_mode", "wal").with_context(advice)?;
        // What is deleted is overwritten: an expired meeting leaves nothing in a free page.
        connection.pragma_update(None, "secure_delete", true)?;
        let mut store = Self(connection);
        store.migrate().with_context(advice)?;
        Ok(store)
    }

    fn migrate(&mut self) -> anyhow::Result<()> {
        let version: u32 = self.0.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let newest = u32::try_from(MIGRATIONS.len())?;
        anyhow::ensure!(version <= newest, "the database was written by a newer release: use that release");
        let transaction = self.0.transaction()?;
        for step in MIGRATIONS.iter().skip(version as usize) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", newest)?;
        Ok(transaction.commit()?)
    }

    /// Keeps a meeting. False: its id is taken.
    pub(crate) fn insert(&self, record: &Record) -> rusqlite::Result<bool> {
        let expires_at = i64::try_from(record.expires_at).unwrap_or(i64::MAX);
        let done = self.0.execute(
            "INSERT INTO meeting (id, admission_key, host_fingerprint, sealed_meta, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![record.meeting.as_bytes(), record.admission_key, record.host_fingerprint, record.sealed_meta, expires_at],
        );
        match done {
            Ok(_) => Ok(true),
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// What is kept of a meeting.
    pub(crate) fn find(&self, meeting: MeetingId) -> rusqlite::Result<Option<Record>> {
        self.0
            .query_row(
                "SELECT admission_key, host_fingerprint, sealed_meta, expires_at FROM meeting WHERE id = ?1",
                [meeting.as_bytes()],
                |row| {
                    Ok(Record {
                        meeting,
                        admission_key: row.get(0)?,
                        host_fingerprint: row.get(1)?,
                        sealed_meta: row.get(2)?,
                        expires_at: row.get::<_, i64>(3)?.unsigned_abs(),
                    })
                },
            )
            .optional()
    }

    /// Forgets what has expired; how many.
    pub(crate) fn forget_expired(&self, now_seconds: u64) -> rusqlite::Result<usize> {
        self.0.execute("DELETE FROM meeting WHERE expires_at <= ?1", [i64::try_from(now_seconds).unwrap_or(i64::MAX)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(Store::open(folder.path()).expect("new").insert(&kept), Ok(true));
        let store = Store::open(folder.path()).expect("again");
        assert_eq!(store.find(kept.meeting), Ok(Some(kept.clone())));
        assert_eq!(store.insert(&kept), Ok(false));
        assert_eq!(store.forget_expired(999), Ok(0));
        assert_eq!(store.forget_expired(1_000), Ok(1));
        assert_eq!(store.find(kept.meeting), Ok(None));
    }

    #[test]
    fn an_unwritable_folder_is_said_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = Store::open(file.path()).err().expect("a file is no folder");
        assert!(error.to_string().contains("--data"), "{error}");
    }
}
