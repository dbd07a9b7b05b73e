//! Settings that the SQLite files of stores and of the embedded log share: one writer, concurrent readers, and each commit is synced to
//! disk.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How long to wait for another writer, in this or another process.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Options to open a file for writing; it is created if it does not exist.
pub fn file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // With NORMAL a power failure loses the newest commits, after other components have already relied on them.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
}

/// A connection pool for a file. Connections have no maximum age: no network can make them stale.
pub fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(BUSY_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        // When SQLite rolls back by itself, as on a full disk, the driver's own ROLLBACK fails and its connection would count as in a
        // transaction forever. The ping waits for that ROLLBACK.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}
