//! What outlives the process: one row a meeting, and nothing of its members. In SQLite, or in PostgreSQL.

mod postgres;
mod sqlite;

use std::future::Future;
use std::time::Duration;

use conclave_admission::{Plan, Record, StoreError};
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

/// People and milliseconds, as both databases keep a plan.
fn plan_row(plan: Plan) -> (Option<i64>, Option<i64>) {
    (plan.people.map(i64::from), plan.lasts.map(|lasts| i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)))
}

fn plan_of(people: Option<i64>, lasts: Option<i64>) -> Plan {
    let people = people.map(|people| u32::try_from(people.unsigned_abs()).unwrap_or(u32::MAX));
    Plan { people, lasts: lasts.map(|lasts| Duration::from_millis(lasts.unsigned_abs())) }
}
