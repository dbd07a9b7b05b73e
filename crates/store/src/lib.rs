//! The store of one service: PostgreSQL in production, a SQLite file when embedded, one SQL text for both.
//!
//! A thin layer: parameters and rows are plain values, a batch of rows is one statement, and a transaction without a commit rolls back. The
//! SQL uses only what both databases support (`$1`, `ON CONFLICT … DO UPDATE`, `RETURNING`, CTEs). Times are integers in microseconds, ids
//! are text, documents are bytes, and sums are cast to `BIGINT`.

mod batch;
mod contention;
mod database;
mod error;
pub mod lease;
mod migration;
mod offset;
mod open;
pub mod outbox;
mod param;
mod postgres;
mod report;
pub mod republish;
mod row;
mod signal;
mod sqlite;
mod time;
mod transaction;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use tokio::sync::Semaphore;
use xtsync_domain::Timestamp;

pub use contention::{MayBeContended, retry_contended};
pub use error::Error;
pub use lease::{Epoch, Fence, Lease, LeaseState};
pub use migration::{Migration, Migrations};
pub use offset::set_offset_back;
pub use offset::{load_offsets, load_offsets_of, lock_offsets, store_offsets};
pub use param::Param;
use param::Values;
pub use report::Report;
pub use row::Row;
pub use signal::{Listener, Signal};
pub use transaction::Transaction;

use self::database::{Access, Database};
use self::lease::LeaseKeeper;
use self::signal::Signals;
use self::time::Time;
use xtsync_runtime::clock::Clock;

/// Prepared statements that a connection caches: every template of a service in every batch size.
const STATEMENTS_MAX: usize = 512;

/// The location and content of a store.
#[derive(Clone)]
pub struct Options {
    /// `postgres://…`, or the directory of the SQLite files, which may be written as `sqlite:DIR`.
    pub url: String,
    /// The service that owns the store. It names the PostgreSQL schema, or the file `<dir>/<service>.sqlite`.
    pub service: &'static str,
    /// The service's tables; the tables that every store has come first.
    pub migrations: Migrations,
    /// The clock for a database without one (SQLite).
    pub clock: Arc<dyn Clock>,
}

/// Omits the URL: it may contain a password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A handle to a store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    /// Connections for leases only, so that no other work delays a lease.
    leases: Database,
    lease_keeper: Arc<LeaseKeeper>,
    signals: Signals,
    store_id: Arc<str>,
    has_write_failed: Arc<AtomicBool>,
    time: Arc<Time>,
}

/// Checks the URL of a store, as far as possible without a connection.
///
/// # Errors
/// [`Error::Unusable`] when it is empty or a URL of another kind.
pub fn check_url(url: &str) -> Result<(), Error> {
    if postgres::is_url(url) { postgres::check(url) } else { sqlite::check(url, "the store") }
}

impl Store {
    /// Opens a store, creates or migrates its tables, and creates its id if it is new.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached. [`Error::Unusable`] when it can never serve: a directory that cannot be
    /// written, a broken URL, tables of a newer program.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let time = Time::new(Arc::clone(&options.clock));
        let (database, leases, signals) = if postgres::is_url(&options.url) {
            let (pool, leases, schema) = postgres::open(&options).await?;
            let signals = Signals::of_server(pool.clone(), &schema);
            (Database::Postgres(pool), Database::Postgres(leases), signals)
        } else {
            let (writer, readers) = sqlite::open(&options).await?;
            let file =
                |line| Database::Sqlite { writer: writer.clone(), readers: readers.clone(), clock: Arc::clone(&options.clock), line };
            // A file has one writer anyway.
            (file(Some(Arc::new(Semaphore::new(1)))), file(None), Signals::of_file())
        };
        let (lease_keeper, store_id, has_write_failed) = (Arc::default(), Arc::from(""), Arc::default());
        let mut store = Self { database, leases, lease_keeper, signals, store_id, has_write_failed, time };
        // This also reads the database's clock.
        store.store_id = open::read_or_create_id(&store).await?;
        Ok(store)
    }

    /// The id created with the store. A different id means another store: what the former one published is not in it.
    #[must_use]
    pub fn store_id(&self) -> &str {
        &self.store_id
    }

    /// Begins a write transaction. Dropping it rolls it back.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, or other writers lock it for too long.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Transaction::begin(&self.database, &self.signals, &self.has_write_failed, &self.time).await
    }

    /// Listens to the signals of all replicas ([`Transaction::signal`]), on a connection of its own.
    #[must_use]
    pub fn listen(&self) -> Listener {
        self.signals.listen()
    }

    /// The database's clock, which all replicas share, as this process last read it. Use it for times that two replicas compare.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::<Time>::clone(&self.time)
    }

    /// Reads outside a transaction: sees the last commit.
    ///
    /// # Errors
    /// When the database is unavailable or refuses the statement.
    pub async fn fetch(&self, sql: &'static str, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        let rows = self.database.fetch(Access::Read, sql.into_sql_str(), Values::Single(params)).await;
        rows.map_err(|source| Error::of(sql, source))
    }

    /// Reads at most one row outside a transaction.
    ///
    /// # Errors
    /// As [`Store::fetch`].
    pub async fn fetch_one_opt(&self, sql: &'static str, params: Vec<Param>) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql, params).await?.into_iter().next())
    }

    /// Reads outside a transaction by a statement over many rows ([`Transaction::insert`]).
    ///
    /// # Errors
    /// As [`Store::fetch`], or the rows differ in width or kind.
    pub async fn fetch_rows(&self, sql: &'static str, rows: Vec<Vec<Param>>) -> Result<Vec<Row>, Error> {
        let mut answers = Vec::new();
        for statement in self.database.statements(sql, rows)? {
            let answer = self.database.fetch(Access::Read, AssertSqlSafe(statement.sql).into_sql_str(), statement.values).await;
            answers.extend(answer.map_err(|source| Error::of(sql, source))?);
        }
        Ok(answers)
    }

    /// The time by the clock of a file; `None` for a server, which has its own.
    fn file_now(&self) -> Option<Timestamp> {
        self.database.file_now()
    }

    /// Checks that the database answers, and after a failed write also that it accepts one.
    ///
    /// # Errors
    /// When it does not answer or cannot write; its disk may be full.
    pub async fn ping(&self) -> Result<(), Error> {
        if !self.has_write_failed.load(Ordering::Relaxed) {
            return self.fetch("SELECT id FROM store_identity", Vec::new()).await.map(drop);
        }
        let mut tx = self.begin().await?;
        // Two updates, because SQLite writes nothing if nothing changes.
        tx.execute("UPDATE store_identity SET created = created + 1", Vec::new()).await?;
        tx.execute("UPDATE store_identity SET created = created - 1", Vec::new()).await?;
        tx.commit().await
    }

    /// Returns every column of every table as `table.column`, sorted, so that a test can compare the two databases.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn columns(&self) -> Result<Vec<String>, Error> {
        let sql = match &self.database {
            Database::Sqlite { .. } => {
                "SELECT t.name || '.' || c.name AS path FROM sqlite_master t JOIN pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND substr(t.name, 1, 1) <> '_' AND substr(t.name, 1, 7) <> 'sqlite_' ORDER BY 1"
            }
            Database::Postgres(_) => {
                "SELECT table_name::TEXT || '.' || column_name::TEXT COLLATE \"C\" AS path FROM information_schema.columns
                 WHERE table_schema = current_schema() AND substr(table_name::TEXT, 1, 1) <> '_' ORDER BY 1"
            }
        };
        self.fetch(sql, Vec::new()).await?.iter().map(|row| row.text("path")).collect()
    }

    /// Closes all connections; SQLite merges its write-ahead log into the file. Later calls fail.
    pub async fn close(&self) {
        for database in [&self.leases, &self.database] {
            database.close().await;
        }
    }
}
