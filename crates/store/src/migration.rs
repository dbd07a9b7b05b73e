//! Creates and migrates the tables: first those that every store has, then the service's own.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, MigrationType, Migrator};

use super::Error;

/// The tables of one service, for both databases: the same number of steps with the same names. A released step never changes.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// For SQLite.
    pub sqlite: &'static [Migration],
    /// For PostgreSQL.
    pub postgres: &'static [Migration],
}

/// One step, in order of the slice.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its name, as the file is named: `0001_links`.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// The steps that every store has.
pub(super) const COMMON: Migrations = Migrations {
    sqlite: &[
        Migration { name: "0001_common", sql: include_str!("../migrations/sqlite/0001_common.sql") },
        Migration { name: "0002_republication", sql: include_str!("../migrations/sqlite/0002_republication.sql") },
    ],
    postgres: &[
        Migration { name: "0001_common", sql: include_str!("../migrations/postgres/0001_common.sql") },
        Migration { name: "0002_republication", sql: include_str!("../migrations/postgres/0002_republication.sql") },
    ],
};

/// The first version of a service's own steps, so that common steps can be added before them.
const OWN: usize = 1000;

pub(super) fn migrator(common: &'static [Migration], own: &'static [Migration]) -> Migrator {
    let numbered = |first: usize, steps: &'static [Migration]| {
        steps.iter().enumerate().map(move |(index, step)| {
            let version = i64::try_from(first + index + 1).expect("a service has few migrations");
            let name = Cow::Borrowed(step.name);
            sqlx::migrate::Migration::new(version, name, MigrationType::Simple, step.sql.into_sql_str(), false)
        })
    };
    Migrator::with_migrations(numbered(0, common).chain(numbered(OWN, own)).collect())
}

/// Maps a failed migration to an error.
pub(super) fn failed(place: &str, error: MigrateError) -> Error {
    let unusable = |reason: String| Error::Unusable { place: place.to_owned(), reason };
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => Error::of("migrating the tables", source),
        MigrateError::VersionMissing(version) => {
            unusable(format!("its tables are of a newer program (migration {version}): run that or a newer one"))
        }
        MigrateError::VersionMismatch(version) => unusable(format!("its tables are of another program (migration {version} differs)")),
        // The driver's enum is open; an operator must act on other variants.
        other => unusable(other.to_string()),
    }
}
