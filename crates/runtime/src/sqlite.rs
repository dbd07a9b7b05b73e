//! What the files of the stores and of the embedded log have in common: one writer, readers beside it, every commit on disk before it
//! counts.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How long to wait for another writer, in this process or another.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a file is opened for writing; it is made if it does not exist.
pub fn file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose the newest commits at a loss of power, and with them what others were told already.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
}

/// Connections to a file. They are not renewed: there is no network that could go stale.
pub fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(BUSY_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        // Where SQLite has rolled back by itself, as it does on a full disk, the driver's own ROLLBACK fails, and the connection would
        // pass for one within a transaction for ever. The ping waits for that ROLLBACK.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
}
