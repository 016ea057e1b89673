//! SQLite, in the data folder.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use conclave_admission::{Record, StoreError};
use conclave_base::MeetingId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use rusqlite_migration::{Error as MigrationError, M, MigrationDefinitionError, Migrations};

use super::{MEETINGS, Store, plan_of, plan_row, seconds};

/// The file `conclave.sqlite`. Its calls block: they are for a thread of their own.
pub(crate) struct Sqlite(Mutex<Tables>);

struct Tables {
    connection: Connection,
    /// Meetings that may be kept, and that are.
    bound: u64,
    kept: u64,
    /// Something was written since the journal was emptied.
    written: bool,
}

/// Each step brings the schema from its index to the next; never edited once released.
const MIGRATIONS: &[M<'static>] = &[
    M::up(
        "CREATE TABLE meeting (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    admission_key BLOB NOT NULL CHECK (length(admission_key) = 32),
    host_fingerprint BLOB NOT NULL CHECK (length(host_fingerprint) = 16),
    sealed_meta BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX meeting_expiry ON meeting (expires_at);",
    ),
    M::up(
        "ALTER TABLE meeting ADD COLUMN people INTEGER;
ALTER TABLE meeting ADD COLUMN lasts_ms INTEGER;",
    ),
];

impl Sqlite {
    /// Opens or makes the database in `folder`.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        Self::open_for(folder, MEETINGS)
    }

    /// As [`Self::open`], for at most `bound` meetings.
    pub(crate) fn open_for(folder: &Path, bound: u64) -> anyhow::Result<Self> {
        let advice = || {
            format!("the data folder {} cannot be written: choose another with --data, or allow this user to write there", folder.display())
        };
        std::fs::create_dir_all(folder).with_context(advice)?;
        let mut connection = Connection::open(folder.join("conclave.sqlite")).with_context(advice)?;
        connection.pragma_update(None, "journal_mode", "wal").with_context(advice)?;
        // What is deleted is overwritten: an expired meeting leaves nothing in a free page.
        connection.pragma_update(None, "secure_delete", true)?;
        let migrated = Migrations::from_slice(MIGRATIONS).to_latest(&mut connection);
        if let Err(MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead)) = migrated {
            anyhow::bail!("the database was written by a newer release: use that release");
        }
        migrated.with_context(advice)?;
        let kept = connection.query_row("SELECT COUNT(*) FROM meeting", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
        Ok(Self(Mutex::new(Tables { connection, bound, kept, written: true })))
    }

    fn call<T>(&self, call: impl FnOnce(&mut Tables) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        // A panic leaves nothing half done: each call is one statement.
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        call(&mut tables).map_err(|error| {
            tracing::error!(code = ?error.sqlite_error_code(), "the database failed");
            StoreError::Failed
        })
    }
}

impl Store for Sqlite {
    const AT_ONCE: usize = 1;

    async fn find(&self, meeting: MeetingId) -> Result<Option<Record>, StoreError> {
        self.call(|tables| tables.find(meeting))
    }

    async fn insert(&self, record: &Record) -> Result<(), StoreError> {
        self.call(|tables| tables.insert(record))?
    }

    async fn update(&self, meeting: MeetingId, sealed_meta: &[u8]) -> Result<(), StoreError> {
        self.call(|tables| tables.update(meeting, sealed_meta))
    }

    async fn delete_expired(&self, until: u64) -> Result<u64, StoreError> {
        let deleted = self.call(|tables| tables.delete_expired(until));
        self.call(Tables::empty_journal).and(deleted)
    }
}

impl Tables {
    fn find(&self, meeting: MeetingId) -> rusqlite::Result<Option<Record>> {
        self.connection
            .query_row(
                "SELECT admission_key, host_fingerprint, sealed_meta, expires_at, people, lasts_ms FROM meeting WHERE id = ?1",
                [meeting.as_bytes()],
                |row| {
                    Ok(Record {
                        meeting,
                        admission_key: row.get(0)?,
                        host_fingerprint: row.get(1)?,
                        sealed_meta: row.get(2)?,
                        expires_at: row.get::<_, i64>(3)?.unsigned_abs(),
                        plan: plan_of(row.get(4)?, row.get(5)?),
                    })
                },
            )
            .optional()
    }

    fn insert(&mut self, record: &Record) -> rusqlite::Result<Result<(), StoreError>> {
        if self.kept >= self.bound {
            return Ok(Err(StoreError::Full));
        }
        let (people, lasts_ms) = plan_row(record.plan);
        let done = self.connection.execute(
            "INSERT INTO meeting (id, admission_key, host_fingerprint, sealed_meta, expires_at, people, lasts_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                record.meeting.as_bytes(),
                record.admission_key,
                record.host_fingerprint,
                record.sealed_meta,
                seconds(record.expires_at),
                people,
                lasts_ms
            ],
        );
        match done {
            Ok(_) => {
                self.kept += 1;
                self.written = true;
                Ok(Ok(()))
            }
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(Err(StoreError::Exists)),
            Err(e) => Err(e),
        }
    }

    fn update(&mut self, meeting: MeetingId, sealed_meta: &[u8]) -> rusqlite::Result<()> {
        self.written = true;
        self.connection.execute("UPDATE meeting SET sealed_meta = ?2 WHERE id = ?1", params![meeting.as_bytes(), sealed_meta]).map(drop)
    }

    fn delete_expired(&mut self, until: u64) -> rusqlite::Result<u64> {
        let deleted = self.connection.execute("DELETE FROM meeting WHERE expires_at <= ?1", [seconds(until)])? as u64;
        self.kept = self.kept.saturating_sub(deleted);
        self.written |= deleted > 0;
        Ok(deleted)
    }

    /// Brings what the journal holds into the database and empties it: it still has what was deleted or replaced since.
    fn empty_journal(&mut self) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.written) {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
