//! What outlives the process: one row a meeting, and nothing of its members.

use std::cell::Cell;
use std::path::Path;

use anyhow::Context as _;
use conclave_admission::Record;
use conclave_base::MeetingId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use rusqlite_migration::{Error as MigrationError, M, MigrationDefinitionError, Migrations};

/// Meetings that are kept: at 8 KiB each, less than a gigabyte.
const MEETINGS: u64 = 100_000;

pub(crate) struct Store {
    connection: Connection,
    /// Meetings that may be kept, and that are.
    bound: u64,
    kept: Cell<u64>,
    /// Something was written since the journal was emptied.
    written: Cell<bool>,
}

/// What became of a new meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    Kept,
    /// Its id is taken.
    Exists,
    /// There are as many as may be.
    Full,
}

/// Each step brings the schema from its index to the next; never edited once released.
const MIGRATIONS: &[M<'static>] = &[M::up(
    "CREATE TABLE meeting (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    admission_key BLOB NOT NULL CHECK (length(admission_key) = 32),
    host_fingerprint BLOB NOT NULL CHECK (length(host_fingerprint) = 16),
    sealed_meta BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX meeting_expiry ON meeting (expires_at);",
)];

impl Store {
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
        Ok(Self { connection, bound, kept: Cell::new(kept), written: Cell::new(true) })
    }

    /// Keeps a meeting.
    pub(crate) fn insert(&self, record: &Record) -> rusqlite::Result<Inserted> {
        if self.kept.get() >= self.bound {
            return Ok(Inserted::Full);
        }
        let expires_at = i64::try_from(record.expires_at).unwrap_or(i64::MAX);
        let done = self.connection.execute(
            "INSERT INTO meeting (id, admission_key, host_fingerprint, sealed_meta, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![record.meeting.as_bytes(), record.admission_key, record.host_fingerprint, record.sealed_meta, expires_at],
        );
        match done {
            Ok(_) => {
                self.kept.set(self.kept.get() + 1);
                self.written.set(true);
                Ok(Inserted::Kept)
            }
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(Inserted::Exists),
            Err(e) => Err(e),
        }
    }

    /// Replaces the sealed part of what is kept of a meeting; one that has expired meanwhile stays away.
    pub(crate) fn update(&self, meeting: MeetingId, sealed_meta: &[u8]) -> rusqlite::Result<()> {
        self.written.set(true);
        self.connection.execute("UPDATE meeting SET sealed_meta = ?2 WHERE id = ?1", params![meeting.as_bytes(), sealed_meta]).map(drop)
    }

    /// What is kept of a meeting.
    pub(crate) fn find(&self, meeting: MeetingId) -> rusqlite::Result<Option<Record>> {
        self.connection
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

    /// Deletes the meetings that expired at or before this moment, in Unix seconds; how many.
    pub(crate) fn delete_expired(&self, until: u64) -> rusqlite::Result<usize> {
        let deleted = self.connection.execute("DELETE FROM meeting WHERE expires_at <= ?1", [i64::try_from(until).unwrap_or(i64::MAX)])?;
        self.kept.set(self.kept.get().saturating_sub(deleted as u64));
        self.written.set(self.written.get() || deleted > 0);
        Ok(deleted)
    }

    /// Brings what the journal holds into the database and empties it: it still has what was deleted or replaced since.
    pub(crate) fn empty_journal(&self) -> rusqlite::Result<()> {
        if self.written.replace(false) {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
