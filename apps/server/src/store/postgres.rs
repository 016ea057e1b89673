//! PostgreSQL, for a site that has one.

use std::future::Future;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conclave_admission::{Record, StoreError};
use conclave_base::MeetingId;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{SqlSafeStr as _, query, query_as, query_scalar};

use super::{MEETINGS, Store, plan_of, plan_row, seconds};

/// For an answer, a new connection included.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections at a time.
const CONNECTIONS: u8 = 8;

/// A pool of connections, which are made again by themselves.
pub(crate) struct Postgres {
    pool: PgPool,
    /// Meetings that may be kept, and that were when expired ones were deleted last, and that were made here since: other nodes make some, too.
    bound: u64,
    kept: AtomicU64,
}

impl Postgres {
    /// Connects, and brings the tables to this release's form; several nodes may do so at once.
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        Self::open_for(url, MEETINGS).await
    }

    /// As [`Self::open`], for at most `bound` meetings.
    pub(crate) async fn open_for(url: &str, bound: u64) -> anyhow::Result<Self> {
        let form = "--database needs postgres://USER:PASSWORD@HOST/NAME";
        ensure!(url.starts_with("postgres://") || url.starts_with("postgresql://"), form);
        // Its own error may name the password.
        let options = PgConnectOptions::from_str(url).map_err(|_| anyhow::anyhow!(form))?;
        let place = format!("the database {} at {}:{}", options.get_database().unwrap_or_default(), options.get_host(), options.get_port());
        // The server gives up, too, when nobody waits for its answer any more.
        let options = options.application_name("conclave").options([("statement_timeout", PATIENCE.as_millis().to_string())]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS.into()).acquire_timeout(PATIENCE).connect_with(options).await;
        let pool = pool.with_context(|| format!("{place} cannot be reached: start it, or name another with --database"))?;
        match migrations().run(&pool).await {
            Err(MigrateError::VersionMissing(_)) => anyhow::bail!("{place} was written by a newer release: use that release"),
            migrated => migrated.with_context(|| format!("{place} cannot be written: allow its user to make tables there"))?,
        }
        let kept = count(&pool).await.with_context(|| format!("{place} cannot be read"))?;
        Ok(Self { pool, bound, kept: AtomicU64::new(kept) })
    }
}

/// Never edited once released.
fn migrations() -> Migrator {
    let meeting = include_str!("../../migrations/postgres/0001_meeting.sql").into_sql_str();
    let plan = include_str!("../../migrations/postgres/0002_plan.sql").into_sql_str();
    Migrator::with_migrations(vec![
        Migration::new(1, "meeting".into(), MigrationType::Simple, meeting, false),
        Migration::new(2, "plan".into(), MigrationType::Simple, plan, false),
    ])
}

async fn count(pool: &PgPool) -> sqlx::Result<u64> {
    query_scalar::<_, i64>("SELECT count(*) FROM meeting").fetch_one(pool).await.map(i64::unsigned_abs)
}

/// Waits for an answer, and no longer than it makes sense: the log gets the kind of error, never the row.
async fn within<T>(call: impl Future<Output = sqlx::Result<T>>) -> Result<T, StoreError> {
    let error = match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => sqlx::Error::PoolTimedOut,
    };
    if let sqlx::Error::Database(error) = &error {
        tracing::error!(code = ?error.code(), "the database failed");
        // Of the class of its own shutdown and of lack of room: it may be well again in a moment.
        let passes = error.code().is_some_and(|code| code.starts_with("57") || code.starts_with("53"));
        return Err(if passes { StoreError::Busy } else { StoreError::Failed });
    }
    tracing::warn!("the database does not answer");
    Err(StoreError::Busy)
}

impl Store for Postgres {
    const AT_ONCE: usize = CONNECTIONS as usize;

    async fn find(&self, meeting: MeetingId) -> Result<Option<Record>, StoreError> {
        let text = "SELECT admission_key, host_fingerprint, sealed_meta, expires_at, people, lasts_ms FROM meeting WHERE id = $1";
        type Row = ([u8; 32], [u8; 16], Vec<u8>, i64, Option<i64>, Option<i64>);
        let found = query_as::<_, Row>(text).bind(meeting.as_bytes().as_slice());
        let row = within(found.fetch_optional(&self.pool)).await?;
        Ok(row.map(|(admission_key, host_fingerprint, sealed_meta, expires_at, people, lasts_ms)| Record {
            meeting,
            admission_key,
            host_fingerprint,
            sealed_meta,
            expires_at: expires_at.unsigned_abs(),
            plan: plan_of(people, lasts_ms),
        }))
    }

    async fn insert(&self, record: &Record) -> Result<(), StoreError> {
        if self.kept.load(Ordering::Relaxed) >= self.bound {
            return Err(StoreError::Full);
        }
        let text = "INSERT INTO meeting (id, admission_key, host_fingerprint, sealed_meta, expires_at, people, lasts_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let (people, lasts_ms) = plan_row(record.plan);
        let insert = query(text)
            .bind(record.meeting.as_bytes().as_slice())
            .bind(record.admission_key.as_slice())
            .bind(record.host_fingerprint.as_slice())
            .bind(&record.sealed_meta)
            .bind(seconds(record.expires_at))
            .bind(people)
            .bind(lasts_ms);
        let done = within(insert.execute(&self.pool)).await?;
        self.kept.fetch_add(done.rows_affected(), Ordering::Relaxed);
        if done.rows_affected() == 0 { Err(StoreError::Exists) } else { Ok(()) }
    }

    async fn update(&self, meeting: MeetingId, sealed_meta: &[u8]) -> Result<(), StoreError> {
        let update = query("UPDATE meeting SET sealed_meta = $2 WHERE id = $1").bind(meeting.as_bytes().as_slice()).bind(sealed_meta);
        within(update.execute(&self.pool)).await.map(drop)
    }

    async fn delete_expired(&self, until: u64) -> Result<u64, StoreError> {
        let deleted = within(query("DELETE FROM meeting WHERE expires_at <= $1").bind(seconds(until)).execute(&self.pool)).await?;
        self.kept.store(within(count(&self.pool)).await?, Ordering::Relaxed);
        Ok(deleted.rows_affected())
    }
}
