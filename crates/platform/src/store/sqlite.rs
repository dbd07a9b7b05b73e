//! Opening a store in a SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::{Instant, sleep};

use super::{Error, Options, migration};
use crate::sqlite;

/// Connections that read beside the writer.
const READERS_MAX: u32 = 4;

/// How long to wait before a file that somebody is making is opened again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn open(options: &Options) -> Result<(SqlitePool, SqlitePool), Error> {
    let file = file(options);
    let place = file.display().to_string();
    make_directory(&file, &place)?;
    let write = sqlite::file(&file).statement_cache_capacity(super::STATEMENTS_MAX).foreign_keys(true);
    let read = write.clone().read_only(true).create_if_missing(false);
    let writer = connect(write, &place).await?;
    migrate(&writer, options).await.map_err(|error| migration::failed(&place, error))?;
    Ok((writer, sqlite::pool(READERS_MAX).connect_lazy_with(read)))
}

/// The one connection that writes. Two that switch a new file to WAL at the same moment are told `locked` at once, since SQLite's busy
/// timeout does not cover a lock that both want to raise: so the wait is here, as long as it would be.
async fn connect(options: SqliteConnectOptions, place: &str) -> Result<SqlitePool, Error> {
    let deadline = Instant::now() + sqlite::BUSY_MAX;
    loop {
        match sqlite::pool(1).connect_with(options.clone()).await.map_err(|source| cannot_open(place, source)) {
            Err(Error::Away(_)) if Instant::now() < deadline => sleep(BUSY_PAUSE).await,
            opened => return opened,
        }
    }
}

/// `<dir>/<service>.sqlite`; the directory may be written as a `sqlite:` URL.
fn file(options: &Options) -> PathBuf {
    let dir = options.url.strip_prefix("sqlite://").or_else(|| options.url.strip_prefix("sqlite:")).unwrap_or(&options.url);
    Path::new(dir).join(format!("{}.sqlite", options.service))
}

fn make_directory(file: &Path, place: &str) -> Result<(), Error> {
    let Some(dir) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(dir)
        .map_err(|error| Error::Unusable { place: place.to_owned(), reason: format!("making the directory {}: {error}", dir.display()) })
}

/// In one transaction, so that a second process that opens the file at the same moment waits.
async fn migrate(writer: &SqlitePool, options: &Options) -> Result<(), sqlx::migrate::MigrateError> {
    let migrator = migration::migrator(migration::COMMON.sqlite, options.migrations.sqlite);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn cannot_open(place: &str, source: sqlx::Error) -> Error {
    match Error::of("opening the file", source) {
        Error::Statement { source, .. } => Error::Unusable { place: place.to_owned(), reason: source.to_string() },
        other @ (Error::Away(_) | Error::Full(_) | Error::Unusable { .. } | Error::Fenced(_) | Error::Corrupt(_)) => other,
    }
}
