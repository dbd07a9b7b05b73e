//! Write transactions: all their effects are committed, or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, PgExecutor, PgPool, Postgres, SqlSafeStr as _, SqlStr, Sqlite};
use tokio::time::Instant;
use xtsync_domain::Timestamp;

use super::batch::{self, Rows, Statement};
use super::database::Turn;
use super::param::{self, Values};
use super::signal::Signals;
use super::time::{Time, postgres_now};
use super::{Database, Epoch, Error, Param, Row, lease};
use crate::params;
use xtsync_runtime::clock::Clock;

/// A write transaction. Dropping it rolls it back.
///
/// On SQLite it is the only writer. On PostgreSQL others write concurrently (read committed), so the caller locks what must not change,
/// checks it in a `WHERE`, or has the commit require it ([`Transaction::require`]). There it begins with the first statement that does not
/// run with the commit; without one, the commit is one statement and one round trip.
#[must_use = "a transaction that is dropped is rolled back"]
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    /// Ends after the transaction.
    _turn: Turn,
    /// Statements that run with the commit.
    deferred: Vec<Rows>,
    /// Those of them that must return as many rows as they are given.
    required: Vec<Rows>,
    /// What the commit signals to the replicas, and how.
    signalled: Vec<String>,
    signals: Signals,
    /// The lease that the commit requires.
    lease: Option<(String, Epoch)>,
    /// Whether the newest write failed for a transient reason, such as a full disk.
    has_write_failed: Arc<AtomicBool>,
    time: Arc<Time>,
}

#[derive(Debug)]
enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>, Arc<dyn Clock>),
    /// The connections, and the transaction once it has begun.
    Postgres(PgPool, Option<sqlx::Transaction<'static, Postgres>>),
}

impl Transaction {
    pub(super) async fn begin(
        database: &Database,
        signals: &Signals,
        has_write_failed: &Arc<AtomicBool>,
        time: &Arc<Time>,
    ) -> Result<Self, Error> {
        let turn = database.turn().await.map_err(|source| failed("BEGIN", source, has_write_failed))?;
        let inner = match database {
            // Immediate: SQLite refuses to upgrade a reader after a concurrent write.
            Database::Sqlite { writer, clock, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(|tx| Inner::Sqlite(tx, clock.clone())),
            Database::Postgres(pool) => Ok(Inner::Postgres(pool.clone(), None)),
        };
        let inner = inner.map_err(|source| failed("BEGIN", source, has_write_failed))?;
        Ok(Self {
            inner,
            _turn: turn,
            deferred: Vec::new(),
            required: Vec::new(),
            signalled: Vec::new(),
            signals: signals.clone(),
            lease: None,
            has_write_failed: Arc::clone(has_write_failed),
            time: Arc::clone(time),
        })
    }

    /// Makes all its effects durable.
    ///
    /// # Errors
    /// When the database is unavailable or refuses: then the outcome is unknown, and the caller must read it. [`Error::Fenced`] when a
    /// required lease is not held, and [`Error::Changed`] when something else that it requires is not so.
    pub async fn commit(mut self) -> Result<(), Error> {
        let signalled = std::mem::take(&mut self.signalled);
        if let Inner::Postgres(..) = self.inner {
            const NOTIFY: &str = "SELECT pg_notify(v.channel, v.subject) FROM (VALUES {rows}) v (channel, subject)";
            let rows = signalled.iter().map(|subject| params![self.signals.channel(), subject.as_str()]).collect();
            // Not with the deferred statements, of which only those run that write rows.
            self.insert(NOTIFY, rows).await?;
        }
        self.write().await?;
        let committed = match self.inner {
            Inner::Sqlite(tx, _) => tx.commit().await,
            Inner::Postgres(_, Some(tx)) => tx.commit().await,
            // The statement was a transaction by itself.
            Inner::Postgres(_, None) => Ok(()),
        };
        committed.map_err(|source| failed("COMMIT", source, &self.has_write_failed))?;
        self.has_write_failed.store(false, Ordering::Relaxed);
        self.signals.committed(signalled);
        Ok(())
    }

    /// Tells all replicas of the service with the commit that something changed about a subject ([`super::Store::listen`]). On a server it
    /// takes 7,999 bytes at most.
    pub fn signal(&mut self, subject: &str) {
        self.signalled.push(subject.to_owned());
    }

    /// Runs a statement; returns the number of changed rows.
    ///
    /// # Errors
    /// When the database is unavailable or refuses it.
    pub async fn execute(&mut self, sql: &'static str, params: Vec<Param>) -> Result<u64, Error> {
        self.run(sql.into_sql_str(), Values::Single(params)).await.map_err(|source| self.failed(sql, source))
    }

    /// Runs a statement; returns its rows.
    ///
    /// # Errors
    /// When the database is unavailable or refuses it.
    pub async fn fetch(&mut self, sql: &'static str, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        self.query(sql.into_sql_str(), Values::Single(params)).await.map_err(|source| self.failed(sql, source))
    }

    /// Runs a statement; returns its first row, if there is one.
    ///
    /// # Errors
    /// When the database is unavailable or refuses it.
    pub async fn fetch_one_opt(&mut self, sql: &'static str, params: Vec<Param>) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql, params).await?.into_iter().next())
    }

    /// Runs a statement over many rows: `VALUES {rows}` in it stands for them, as in `INSERT INTO t (a, b) VALUES {rows}` or
    /// `WITH v (a, b) AS (VALUES {rows}) UPDATE t SET b = v.b FROM v WHERE t.a = v.a`. Returns the number of changed rows.
    ///
    /// With `ON CONFLICT … DO UPDATE`, each key may occur only once in `rows`.
    ///
    /// # Errors
    /// When the database is unavailable or refuses it, or the rows differ in width or kind.
    pub async fn insert(&mut self, sql: &'static str, rows: Vec<Vec<Param>>) -> Result<u64, Error> {
        let mut changed = 0;
        for statement in self.statements(sql, rows)? {
            changed +=
                self.run(AssertSqlSafe(statement.sql).into_sql_str(), statement.values).await.map_err(|source| self.failed(sql, source))?;
        }
        Ok(changed)
    }

    /// As [`Transaction::insert`], but runs with the commit, together with all deferred statements: one round trip on a server. No other
    /// statement of the transaction may read what it changes, and no two deferred statements may change the same row. The commit returns
    /// its errors.
    pub fn defer(&mut self, sql: &'static str, rows: Vec<Vec<Param>>) {
        if !rows.is_empty() {
            self.deferred.push((sql, rows));
        }
    }

    /// As [`Transaction::defer`], and the commit fails with [`Error::Changed`] unless the statement returns as many rows as it is given, as a
    /// compare-and-set with `RETURNING` does where all rows are as they were read.
    pub fn require(&mut self, sql: &'static str, rows: Vec<Vec<Param>>) {
        if !rows.is_empty() {
            self.required.push((sql, rows));
        }
    }

    /// As [`Transaction::insert`], and returns the rows of the statement.
    ///
    /// # Errors
    /// As [`Transaction::insert`].
    pub async fn fetch_rows(&mut self, sql: &'static str, rows: Vec<Vec<Param>>) -> Result<Vec<Row>, Error> {
        let mut answers = Vec::new();
        for statement in self.statements(sql, rows)? {
            answers.extend(
                self.query(AssertSqlSafe(statement.sql).into_sql_str(), statement.values)
                    .await
                    .map_err(|source| self.failed(sql, source))?,
            );
        }
        Ok(answers)
    }

    /// Makes the commit require a lease.
    pub(super) fn require_lease(&mut self, name: &str, epoch: Epoch) {
        self.lease = Some((name.to_owned(), epoch));
    }

    /// Runs the deferred statements.
    async fn write(&mut self) -> Result<(), Error> {
        let (deferred, required, lease) = (std::mem::take(&mut self.deferred), std::mem::take(&mut self.required), self.lease.take());
        match &self.inner {
            Inner::Postgres(..) if !deferred.is_empty() || !required.is_empty() => self.write_at_once(deferred, required, lease).await,
            Inner::Sqlite(..) | Inner::Postgres(..) => {
                if let Some((name, epoch)) = lease {
                    lease::assert(self, &name, epoch).await?;
                }
                for (sql, rows) in required {
                    let count = rows.len();
                    if self.fetch_rows(sql, rows).await?.len() != count {
                        return Err(Error::Changed);
                    }
                }
                for (sql, rows) in deferred {
                    self.insert(sql, rows).await?;
                }
                Ok(())
            }
        }
    }

    /// Runs all deferred statements as one. It fails, and so nothing of the transaction is committed, where the lease or anything else that is
    /// required is not so.
    async fn write_at_once(&mut self, deferred: Vec<Rows>, required: Vec<Rows>, lease: Option<(String, Epoch)>) -> Result<(), Error> {
        let held = lease.as_ref().map(|(name, epoch)| (lease::HELD, vec![params![name.as_str(), *epoch]]));
        let Statement { sql, values } = batch::combined(held, required, deferred)?;
        let text = sql.clone();
        let written = match &mut self.inner {
            Inner::Postgres(pool, None) => query_postgres(&*pool, AssertSqlSafe(sql).into_sql_str(), values).await,
            Inner::Postgres(_, Some(_)) | Inner::Sqlite(..) => self.query(AssertSqlSafe(sql).into_sql_str(), values).await,
        };
        let Err(source) = written else { return Ok(()) };
        let code = source.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        Err(match (code.as_str(), lease) {
            (batch::NOT_HELD, Some((name, _))) => Error::Fenced(name),
            (batch::CHANGED, _) => Error::Changed,
            _ => self.failed(&text, source),
        })
    }

    /// The statements for a template and its rows, on this database.
    fn statements(&self, sql: &str, rows: Vec<Vec<Param>>) -> Result<Vec<Statement>, Error> {
        match &self.inner {
            _ if rows.is_empty() => Ok(Vec::new()),
            Inner::Sqlite(..) => batch::chunks(sql, rows),
            Inner::Postgres(..) => Ok(vec![batch::columns(sql, rows)?]),
        }
    }

    /// Reads the database's clock, which all replicas share. A file has no clock, so there it is the clock passed in.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn database_now(&mut self) -> Result<Timestamp, Error> {
        const NOW: &str = concat!("SELECT ", postgres_now!(), " AS now");
        if let Some(now) = self.file_now() {
            return Ok(now);
        }
        let began = Instant::now();
        let row = self.fetch_one_opt(NOW, Vec::new()).await?;
        let now = row.ok_or_else(|| Error::Corrupt("the database returned no time".to_owned()))?.int("now").map(Timestamp)?;
        self.time.note(now, began);
        Ok(now)
    }

    /// The time by the clock of a file; `None` for a server, which has its own.
    pub(super) fn file_now(&self) -> Option<Timestamp> {
        match &self.inner {
            Inner::Sqlite(_, clock) => Some(clock.now()),
            Inner::Postgres(..) => None,
        }
    }

    /// Chooses between two texts, for the few statements that differ.
    #[must_use]
    pub fn by_database(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.inner {
            Inner::Sqlite(..) => sqlite,
            Inner::Postgres(..) => postgres,
        }
    }

    fn failed(&self, sql: &str, source: sqlx::Error) -> Error {
        failed(sql, source, &self.has_write_failed)
    }

    async fn run(&mut self, sql: SqlStr, values: Values) -> Result<u64, sqlx::Error> {
        match &mut self.inner {
            Inner::Sqlite(tx, _) => {
                let arguments = param::for_sqlite(values).map_err(sqlx::Error::Encode)?;
                Ok(sqlx::query_with::<Sqlite, SqliteArguments>(sql, arguments).execute(&mut **tx).await?.rows_affected())
            }
            Inner::Postgres(pool, tx) => {
                let arguments = param::for_postgres(values).map_err(sqlx::Error::Encode)?;
                Ok(sqlx::query_with::<Postgres, PgArguments>(sql, arguments).execute(&mut **begun(pool, tx).await?).await?.rows_affected())
            }
        }
    }

    async fn query(&mut self, sql: SqlStr, values: Values) -> Result<Vec<Row>, sqlx::Error> {
        match &mut self.inner {
            Inner::Sqlite(tx, _) => {
                let arguments = param::for_sqlite(values).map_err(sqlx::Error::Encode)?;
                let rows: Vec<SqliteRow> = sqlx::query_with(sql, arguments).fetch_all(&mut **tx).await?;
                Row::all_of_sqlite(&rows)
            }
            Inner::Postgres(pool, tx) => query_postgres(&mut **begun(pool, tx).await?, sql, values).await,
        }
    }
}

/// The transaction, which begins now if it has not yet.
async fn begun<'a>(
    pool: &PgPool,
    tx: &'a mut Option<sqlx::Transaction<'static, Postgres>>,
) -> Result<&'a mut sqlx::Transaction<'static, Postgres>, sqlx::Error> {
    Ok(match tx {
        Some(tx) => tx,
        None => tx.insert(pool.begin().await?),
    })
}

async fn query_postgres<'e>(executor: impl PgExecutor<'e>, sql: SqlStr, values: Values) -> Result<Vec<Row>, sqlx::Error> {
    let arguments = param::for_postgres(values).map_err(sqlx::Error::Encode)?;
    let rows: Vec<PgRow> = sqlx::query_with(sql, arguments).fetch_all(executor).await?;
    Row::all_of_postgres(&rows)
}

/// Maps a driver's error. A transient one marks the store as failing until a commit succeeds.
pub(super) fn failed(sql: &str, source: sqlx::Error, has_write_failed: &AtomicBool) -> Error {
    let error = Error::of(sql, source);
    if error.is_transient() {
        has_write_failed.store(true, Ordering::Relaxed);
    }
    error
}
