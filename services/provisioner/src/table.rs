//! The provisioner's tables, one file each: one SQL text for PostgreSQL and SQLite, plain values in and out.

pub(crate) mod counted;
pub(crate) mod decided;
pub(crate) mod link;
pub(crate) mod rehire;
pub(crate) mod target;
pub(crate) mod unpublished;
pub(crate) mod waiting;
pub(crate) mod window;
pub(crate) mod work;

use std::fmt;

use xtsync_contract::topic::link_key;
use xtsync_domain::{TenantName, UserId, key};
use xtsync_store::{Migration, Migrations, Param, Row, params};

use crate::error::{Error, Result};

/// The provisioner's own tables.
pub const MIGRATIONS: Migrations = Migrations {
    sqlite: &[
        Migration { name: "0001_links", sql: include_str!("../migrations/sqlite/0001_links.sql") },
        Migration { name: "0002_target", sql: include_str!("../migrations/sqlite/0002_target.sql") },
    ],
    postgres: &[
        Migration { name: "0001_links", sql: include_str!("../migrations/postgres/0001_links.sql") },
        Migration { name: "0002_target", sql: include_str!("../migrations/postgres/0002_target.sql") },
    ],
};

/// Which link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) target: TenantName,
    pub(crate) source: TenantName,
    pub(crate) user: UserId,
}

impl Key {
    /// The key of its records: `source/user`.
    pub(crate) fn record(&self) -> String {
        link_key(&self.source, &self.user)
    }

    /// The link of a target whose records have a key; `None` if none can have it.
    pub(crate) fn of_record(target: &TenantName, record: &str) -> Option<Self> {
        let [source, user] = key::parse(record)?;
        Some(Self { target: target.clone(), source: TenantName::new(source).ok()?, user: user.into_owned().into() })
    }

    /// The parameters that name it in a statement, in the order of the columns.
    fn params(&self) -> Vec<Param> {
        params![self.target.as_str(), self.source.as_str(), self.user.as_str()]
    }

    /// Reads it from the columns of that name.
    fn read(row: &Row) -> Result<Self> {
        let tenant = |column: &str| -> Result<TenantName> {
            TenantName::new(row.text(column)?).map_err(|error| Error::Unreadable("key".to_owned(), error.to_string()))
        };
        Ok(Self { target: tenant("target")?, source: tenant("source")?, user: row.text("user_id")?.into() })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.record(), self.target)
    }
}
