//! What outlives the process: one row a meeting, and nothing of its members. In SQLite, or in PostgreSQL.

mod postgres;
mod sqlite;

use std::future::Future;

use conclave_admission::{Record, StoreError};
use conclave_base::MeetingId;

pub(crate) use self::postgres::Postgres;
pub(crate) use self::sqlite::Sqlite;

/// Meetings that are kept: at 8 KiB each, less than a gigabyte.
const MEETINGS: u64 = 100_000;

/// Where meetings are kept. What fails is logged by its kind, never with the row.
pub(crate) trait Store: Send + Sync + 'static {
    /// Calls that it takes at a time.
    const AT_ONCE: usize;

    /// What is kept of a meeting.
    fn find(&self, meeting: MeetingId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Keeps a meeting.
    fn insert(&self, record: &Record) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Replaces the sealed part of what is kept of a meeting; one that has expired meanwhile stays away.
    fn update(&self, meeting: MeetingId, sealed_meta: &[u8]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes the meetings that expired at or before this moment, in Unix seconds, and what reminds of them; how many.
    fn delete_expired(&self, until: u64) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// Unix seconds as both databases keep them.
fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}
