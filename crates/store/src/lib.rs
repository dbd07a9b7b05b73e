//! The store of one service: PostgreSQL in production, a SQLite file when embedded, one SQL text for both.
//!
//! A thin layer: parameters and rows are plain values, batches of rows are one statement, and a transaction rolls back unless it is
//! committed. The SQL keeps to what both databases share (`$1`, `ON CONFLICT … DO UPDATE`, `RETURNING`, CTEs). Times are microseconds
//! in integers, ids are text, documents are bytes, sums are cast to `BIGINT`.

mod batch;
mod contention;
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
mod sqlite;
mod time;
mod transaction;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{PgPool, SqlitePool};
use xtsync_domain::Timestamp;

pub use contention::{MayBeContended, retry_contended};
pub use error::Error;
pub use lease::{Epoch, Lease, LeaseState};
pub use migration::{Migration, Migrations};
pub use offset::set_offset_back;
pub use offset::{load_offsets, lock_offsets, store_offsets};
pub use param::Param;
use param::Values;
pub use report::Report;
pub use row::Row;
pub use transaction::Transaction;

use self::time::Time;
use xtsync_runtime::clock::Clock;

/// Prepared statements that a connection keeps: every text of a service in every shape of its batches.
const STATEMENTS_MAX: usize = 512;

/// Where a store is and what it holds.
#[derive(Clone)]
pub struct Options {
    /// `postgres://…`, or the directory of the SQLite files, which may be written as `sqlite:DIR`.
    pub url: String,
    /// The service whose store it is: names the PostgreSQL schema, or the file `<dir>/<service>.sqlite`.
    pub service: &'static str,
    /// The service's own tables; those that every store has come first.
    pub migrations: Migrations,
    /// The database's clock, where the database has none of its own (SQLite).
    pub clock: Arc<dyn Clock>,
}

/// Without the URL: there may be a password in it.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A handle to a store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    /// Where leases are taken and renewed: beside all other work, which must not make them wait.
    leases: Database,
    store_id: Arc<str>,
    has_write_failed: Arc<AtomicBool>,
    time: Arc<Time>,
}

#[derive(Debug, Clone)]
enum Database {
    Sqlite { writer: SqlitePool, readers: SqlitePool, clock: Arc<dyn Clock> },
    Postgres(PgPool),
}

/// Whether a text says where a store is, as far as it can be told without a connection.
///
/// # Errors
/// [`Error::Unusable`] when it says nothing, or is a URL of another kind.
pub fn check_url(url: &str) -> Result<(), Error> {
    if postgres::is_url(url) { postgres::check(url) } else { sqlite::check(url, "the store") }
}

impl Store {
    /// Opens a store, makes or migrates its tables, and gives it an id if it is new.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, [`Error::Unusable`] when it can never serve: a directory that cannot be
    /// written, a broken URL, tables of a newer program.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let time = Time::new(Arc::clone(&options.clock));
        let (database, leases) = if postgres::is_url(&options.url) {
            let (pool, leases) = postgres::open(&options).await?;
            (Database::Postgres(pool), Database::Postgres(leases))
        } else {
            let (writer, readers) = sqlite::open(&options).await?;
            let file = Database::Sqlite { writer, readers, clock: options.clock };
            // A file has one writer in any case.
            (file.clone(), file)
        };
        let mut store = Self { database, leases, store_id: Arc::from(""), has_write_failed: Arc::default(), time };
        // Asks for the time, too.
        store.store_id = open::read_or_create_id(&store).await?;
        Ok(store)
    }

    /// The id made when the store was born. Another id means that what the store once said is not in it.
    #[must_use]
    pub fn store_id(&self) -> &str {
        &self.store_id
    }

    /// Begins a write transaction. Dropping it rolls it back.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, or other writers hold it too long.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Transaction::begin(&self.database, &self.has_write_failed, &self.time).await
    }

    /// The clock that all replicas share, the database's, as far as this process knows it: for whatever two of them compare.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::<Time>::clone(&self.time)
    }

    /// As [`Store::begin`], for a lease: on connections that nothing else uses.
    async fn begin_lease(&self) -> Result<Transaction, Error> {
        Transaction::begin(&self.leases, &self.has_write_failed, &self.time).await
    }

    /// Reads outside a transaction: what was committed last.
    ///
    /// # Errors
    /// When the database is away or refuses the statement.
    pub async fn fetch(&self, sql: &'static str, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        let doing = |source| Error::of(sql, source);
        match &self.database {
            Database::Sqlite { readers, .. } => {
                let arguments = param::for_sqlite(Values::Single(params)).map_err(|source| doing(sqlx::Error::Encode(source)))?;
                let rows = sqlx::query_with(sql, arguments).fetch_all(readers).await.map_err(doing)?;
                rows.iter().map(Row::from_sqlite).collect::<Result<_, _>>().map_err(doing)
            }
            Database::Postgres(pool) => {
                let arguments = param::for_postgres(Values::Single(params)).map_err(|source| doing(sqlx::Error::Encode(source)))?;
                let rows = sqlx::query_with(sql, arguments).fetch_all(pool).await.map_err(doing)?;
                rows.iter().map(Row::from_postgres).collect::<Result<_, _>>().map_err(doing)
            }
        }
    }

    /// Reads the one row outside a transaction, if it is there.
    ///
    /// # Errors
    /// As [`Store::fetch`].
    pub async fn fetch_one_opt(&self, sql: &'static str, params: Vec<Param>) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql, params).await?.into_iter().next())
    }

    /// This moment by the clock of a file; none where a server has one.
    fn file_now(&self) -> Option<Timestamp> {
        match &self.database {
            Database::Sqlite { clock, .. } => Some(clock.now()),
            Database::Postgres(_) => None,
        }
    }

    /// Asks the database for a sign of life; where the newest write has failed, whether it takes one.
    ///
    /// # Errors
    /// When it gives none, or cannot write: its disk may be full.
    pub async fn ping(&self) -> Result<(), Error> {
        if !self.has_write_failed.load(Ordering::Relaxed) {
            return self.fetch("SELECT id FROM store_identity", Vec::new()).await.map(drop);
        }
        let mut tx = self.begin().await?;
        // Twice, since SQLite writes nothing where nothing changes.
        tx.execute("UPDATE store_identity SET created = created + 1", Vec::new()).await?;
        tx.execute("UPDATE store_identity SET created = created - 1", Vec::new()).await?;
        tx.commit().await
    }

    /// Every column of every table as `table.column`, sorted: lets a test compare the two databases.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn columns(&self) -> Result<Vec<String>, Error> {
        let sql = match &self.database {
            Database::Sqlite { .. } => {
                "SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND substr(t.name, 1, 1) <> '_' AND substr(t.name, 1, 7) <> 'sqlite_' ORDER BY 1"
            }
            Database::Postgres(_) => {
                "SELECT table_name::TEXT || '.' || column_name::TEXT COLLATE \"C\" FROM information_schema.columns
                 WHERE table_schema = current_schema() AND substr(table_name::TEXT, 1, 1) <> '_' ORDER BY 1"
            }
        };
        self.fetch(sql, Vec::new()).await?.iter().map(|row| row.text(0)).collect()
    }

    /// Closes all connections; SQLite folds its log into the file. Every later call fails.
    pub async fn close(&self) {
        for database in [&self.leases, &self.database] {
            match database {
                Database::Sqlite { writer, readers, .. } => {
                    readers.close().await;
                    writer.close().await;
                }
                Database::Postgres(pool) => pool.close().await,
            }
        }
    }
}
