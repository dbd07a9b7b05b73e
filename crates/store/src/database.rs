//! The connections to a database, and statements that run by themselves, outside a transaction.

use std::sync::Arc;

use sqlx::{PgPool, SqlStr, SqlitePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::sqlite;

use super::batch::{self, Statement};
use super::param::{self, Values};
use super::{Error, Param, Row};

/// The connections of one kind of work.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        clock: Arc<dyn Clock>,
        /// The line of those who write, of which one at a time waits for the connection; leases do not stand in line.
        line: Option<Arc<Semaphore>>,
    },
    Postgres(PgPool),
}

/// What a statement does. Only one connection to a file may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The turn of a writer of a file, until it is dropped.
pub(super) type Turn = Option<OwnedSemaphorePermit>;

impl Database {
    /// Waits for the turn to write. A renewal of leases waits for one writer at most, however many stand in line.
    pub(super) async fn turn(&self) -> Result<Turn, sqlx::Error> {
        let Self::Sqlite { line: Some(line), .. } = self else { return Ok(None) };
        let turn = timeout(sqlite::BUSY_TIMEOUT, Arc::clone(line).acquire_owned()).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map(Some).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Runs one statement, which is a transaction by itself; returns its rows.
    pub(super) async fn fetch(&self, access: Access, sql: SqlStr, values: Values) -> Result<Vec<Row>, sqlx::Error> {
        let _turn = if access == Access::Write { self.turn().await? } else { None };
        match (self, access) {
            (Self::Sqlite { readers: pool, .. }, Access::Read) | (Self::Sqlite { writer: pool, .. }, Access::Write) => {
                let arguments = param::for_sqlite(values).map_err(sqlx::Error::Encode)?;
                Row::all_of_sqlite(&sqlx::query_with(sql, arguments).fetch_all(pool).await?)
            }
            (Self::Postgres(pool), Access::Read | Access::Write) => {
                let arguments = param::for_postgres(values).map_err(sqlx::Error::Encode)?;
                Row::all_of_postgres(&sqlx::query_with(sql, arguments).fetch_all(pool).await?)
            }
        }
    }

    /// The statements for a template and its rows.
    pub(super) fn statements(&self, template: &str, rows: Vec<Vec<Param>>) -> Result<Vec<Statement>, Error> {
        match self {
            _ if rows.is_empty() => Ok(Vec::new()),
            Self::Sqlite { .. } => batch::chunks(template, rows),
            Self::Postgres(_) => Ok(vec![batch::columns(template, rows)?]),
        }
    }

    /// The time by the clock of a file; `None` for a server, which has its own.
    pub(super) fn file_now(&self) -> Option<Timestamp> {
        match self {
            Self::Sqlite { clock, .. } => Some(clock.now()),
            Self::Postgres(_) => None,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
