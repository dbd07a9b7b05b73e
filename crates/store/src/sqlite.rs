//! Opening a store in a SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{Instant, sleep};

use super::{Error, Options, migration};
use xtsync_runtime::private::is_url;
use xtsync_runtime::{private, sqlite};

/// Read connections.
const READERS_MAX: u32 = 4;

/// How long to wait before another attempt to open a file that another process is creating.
const BUSY_RETRY_INTERVAL: Duration = Duration::from_millis(20);

pub(super) async fn open(options: &Options) -> Result<(SqlitePool, SqlitePool), Error> {
    let file = file(options)?;
    let place = file.display().to_string();
    make(&file, &place)?;
    let write = sqlite::file(&file).statement_cache_capacity(super::STATEMENTS_MAX).foreign_keys(true);
    let read = write.clone().read_only(true).create_if_missing(false);
    let writer = connect(write, &place).await?;
    migrate(&writer, options).await.map_err(|error| migration::failed(&place, error))?;
    Ok((writer, sqlite::pool(READERS_MAX).connect_lazy_with(read)))
}

/// Opens the one write connection. If two processes switch a new file to WAL at once, SQLite returns `locked` immediately, because its busy
/// timeout does not cover the upgrade of a shared lock. So this retries for as long as the busy timeout.
async fn connect(options: SqliteConnectOptions, place: &str) -> Result<SqlitePool, Error> {
    let deadline = Instant::now() + sqlite::BUSY_TIMEOUT;
    loop {
        match sqlite::pool(1).connect_with(options.clone()).await.map_err(|source| cannot_open(place, source)) {
            Err(Error::Unavailable(_) | Error::Contended(_)) if Instant::now() < deadline => sleep(BUSY_RETRY_INTERVAL).await,
            opened => return opened,
        }
    }
}

/// `<dir>/<service>.sqlite`; the directory may be written as a `sqlite:` URL.
fn file(options: &Options) -> Result<PathBuf, Error> {
    let dir = options.url.strip_prefix("sqlite://").or_else(|| options.url.strip_prefix("sqlite:")).unwrap_or(&options.url);
    check(&options.url, options.service)?;
    Ok(Path::new(dir).join(format!("{}.sqlite", options.service)))
}

/// Rejects a URL as a path. The error does not repeat it: it may contain a password.
pub(super) fn check(url: &str, place: &str) -> Result<(), Error> {
    let dir = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    match dir.is_empty() || is_url(dir) {
        true => Err(Error::Unusable { place: place.to_owned(), reason: "a store is postgres://… or a directory".to_owned() }),
        false => Ok(()),
    }
}

/// Creates directory and file with access for their owner only.
fn make(file: &Path, place: &str) -> Result<(), Error> {
    let unusable = |error: std::io::Error| Error::Unusable { place: place.to_owned(), reason: error.to_string() };
    if let Some(dir) = file.parent() {
        private::make_dir(dir)
            .map_err(|error| unusable(std::io::Error::new(error.kind(), format!("making the directory {}: {error}", dir.display()))))?;
    }
    private::make_file(file).map_err(unusable)
}

/// Migrates in one transaction, so that a second process that opens the file at once waits.
async fn migrate(writer: &SqlitePool, options: &Options) -> Result<(), sqlx::migrate::MigrateError> {
    let migrator = migration::migrator(migration::COMMON.sqlite, options.migrations.sqlite);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn cannot_open(place: &str, source: sqlx::Error) -> Error {
    match Error::of("opening the file", source) {
        Error::Statement { source, .. } | Error::NotUnique(source) => {
            Error::Unusable { place: place.to_owned(), reason: source.to_string() }
        }
        other @ (Error::Unavailable(_)
        | Error::Contended(_)
        | Error::Full(_)
        | Error::Changed
        | Error::Unusable { .. }
        | Error::Fenced(_)
        | Error::Corrupt(_)) => other,
    }
}
