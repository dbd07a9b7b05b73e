//! Leases: who works on what, for how long, told by the database's clock.
//!
//! Each change of owner raises the epoch. A transaction that relies on a lease says so by [`assert_with_commit`], and fails with
//! [`Error::Fenced`] when the lease ran out or went on, however long its author slept. A lease is kept by a task ([`Lease`]); the
//! functions below it are the single steps, for tests and simulation.

mod keeper;

use std::fmt;
use std::time::Duration;

pub use keeper::{Lease, LeaseState};

use super::{Error, Param, Store, Transaction};
use crate::params;

/// How often a lease has changed hands: of two that believe to hold it, the higher one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Epoch> for Param {
    fn from(epoch: Epoch) -> Self {
        epoch.0.into()
    }
}

/// Takes a lease that is free, has run out, or was ours before; gives its new epoch, or `None` while somebody else has it.
///
/// # Errors
/// When the database is away.
pub async fn acquire(store: &Store, name: &str, owner: &str, ttl: Duration) -> Result<Option<Epoch>, Error> {
    const SQL: &str = "INSERT INTO lease (name, owner, epoch, until) VALUES ($1, $2, 1, $3)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until
        WHERE lease.until <= $4 OR lease.owner = excluded.owner
        RETURNING epoch";
    let mut tx = store.begin_lease().await?;
    let now = tx.database_now().await?;
    let row = tx.fetch_one_opt(SQL, params![name, owner, now.plus(ttl), now]).await?;
    tx.commit().await?;
    row.map(|row| row.uint(0).map(Epoch)).transpose()
}

/// Prolongs a lease; false when it has run out or went on.
///
/// # Errors
/// When the database is away.
pub async fn renew(store: &Store, name: &str, epoch: Epoch, ttl: Duration) -> Result<bool, Error> {
    const SQL: &str = "UPDATE lease SET until = $3 WHERE name = $1 AND epoch = $2 AND until > $4";
    let mut tx = store.begin_lease().await?;
    let now = tx.database_now().await?;
    let renewed = tx.execute(SQL, params![name, epoch, now.plus(ttl), now]).await?;
    tx.commit().await?;
    Ok(renewed == 1)
}

/// Gives a lease back, so that the next one need not wait until it runs out.
///
/// # Errors
/// When the database is away.
pub async fn release(store: &Store, name: &str, epoch: Epoch) -> Result<(), Error> {
    let mut tx = store.begin_lease().await?;
    tx.execute("UPDATE lease SET until = 0 WHERE name = $1 AND epoch = $2", params![name, epoch]).await?;
    tx.commit().await
}

/// The lease, if it is held in this epoch. A key share waits for and is waited for by a change of epoch (it is in a unique key), but not by
/// a renewal. The time is asked for within: this stands in every transaction.
pub(super) const HELD: &str = "WITH v (name, epoch) AS (VALUES {rows}) SELECT lease.epoch FROM lease JOIN v ON lease.name = v.name
    AND lease.epoch = v.epoch WHERE lease.until > CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) FOR KEY SHARE OF lease";

const SQLITE: &str = "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 AND until > $3";

/// Makes a transaction depend on a lease: nobody takes it over between the commit's last statement and its end. What was done in the
/// transaction before counts only then; who must know before asks by [`check`].
pub fn assert_with_commit(tx: &mut Transaction, name: &str, epoch: Epoch) {
    tx.require_lease(name, epoch);
}

/// Whether a lease is held just now; what follows may come too late all the same.
///
/// # Errors
/// As [`assert()`].
pub async fn check(store: &Store, name: &str, epoch: Epoch) -> Result<(), Error> {
    const POSTGRES: &str = "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2
        AND until > CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
    let row = match store.file_now() {
        Some(now) => store.fetch_one_opt(SQLITE, params![name, epoch, now]).await?,
        None => store.fetch_one_opt(POSTGRES, params![name, epoch]).await?,
    };
    row.map(drop).ok_or_else(|| Error::Fenced(name.to_owned()))
}

/// Makes a transaction depend on a lease: nobody takes it over before the transaction has ended.
///
/// # Errors
/// [`Error::Fenced`] when the lease ran out or went on; then the transaction must be dropped. Otherwise when the database is away.
pub async fn assert(tx: &mut Transaction, name: &str, epoch: Epoch) -> Result<(), Error> {
    let rows = match tx.file_now() {
        Some(now) => tx.fetch(SQLITE, params![name, epoch, now]).await?,
        None => tx.fetch_rows(HELD, vec![params![name, epoch]]).await?,
    };
    if rows.is_empty() { Err(Error::Fenced(name.to_owned())) } else { Ok(()) }
}
