//! Leases: which replica owns which work, and until when, by the database's clock.
//!
//! Each change of owner increments the epoch. A transaction that requires a lease begins at its [`Fence`]; its commit fails with
//! [`Error::Fenced`] if the lease expired or has another owner, however long the process was suspended. The task of a [`Lease`] acquires
//! and renews it. The functions in this module are the single steps, for tests and simulation.

mod fence;
mod keeper;

use std::fmt;
use std::time::Duration;

pub use fence::Fence;
pub use keeper::{Lease, LeaseState};

use super::{Error, Param, Store, Transaction};
use crate::params;

/// The number of ownership changes of a lease. Of two replicas that assume they hold it, the one with the higher epoch does.
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

/// Acquires a lease that is free, has expired, or belongs to the same owner. Returns the new epoch, or `None` while another owner holds it.
///
/// # Errors
/// When the database is unavailable.
pub async fn acquire(store: &Store, name: &str, owner: &str, ttl: Duration) -> Result<Option<Epoch>, Error> {
    const SQL: &str = "INSERT INTO lease (name, owner, epoch, until) VALUES ($1, $2, 1, $3)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until
        WHERE lease.until <= $4 OR lease.owner = excluded.owner
        RETURNING epoch";
    let mut tx = store.begin_lease().await?;
    let now = tx.database_now().await?;
    let row = tx.fetch_one_opt(SQL, params![name, owner, now.plus(ttl), now]).await?;
    tx.commit().await?;
    row.map(|row| row.uint("epoch").map(Epoch)).transpose()
}

/// Extends a lease; false if it has expired or has another owner.
///
/// # Errors
/// When the database is unavailable.
pub async fn renew(store: &Store, name: &str, epoch: Epoch, ttl: Duration) -> Result<bool, Error> {
    const SQL: &str = "UPDATE lease SET until = $3 WHERE name = $1 AND epoch = $2 AND until > $4";
    let mut tx = store.begin_lease().await?;
    let now = tx.database_now().await?;
    let renewed = tx.execute(SQL, params![name, epoch, now.plus(ttl), now]).await?;
    tx.commit().await?;
    Ok(renewed == 1)
}

/// Releases a lease, so that the next owner need not wait for its expiry.
///
/// # Errors
/// When the database is unavailable.
pub async fn release(store: &Store, name: &str, epoch: Epoch) -> Result<(), Error> {
    let mut tx = store.begin_lease().await?;
    tx.execute("UPDATE lease SET until = 0 WHERE name = $1 AND epoch = $2", params![name, epoch]).await?;
    tx.commit().await
}

/// Selects the lease if it is held in this epoch. A key share lock conflicts with a change of epoch, which is in a unique key, and not with
/// a renewal. The statement reads the clock itself, which saves a round trip in each transaction.
pub(super) const HELD: &str = "WITH v (name, epoch) AS (VALUES {rows}) SELECT lease.epoch FROM lease JOIN v ON lease.name = v.name
    AND lease.epoch = v.epoch WHERE lease.until > CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) FOR KEY SHARE OF lease";

const SQLITE: &str = "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 AND until > $3";

/// Makes a transaction require a lease: no other owner acquires it before the transaction has ended.
///
/// # Errors
/// [`Error::Fenced`] when the lease has expired or has another owner; then the transaction must be dropped. Otherwise when the database is
/// unavailable.
pub async fn assert(tx: &mut Transaction, name: &str, epoch: Epoch) -> Result<(), Error> {
    let rows = match tx.file_now() {
        Some(now) => tx.fetch(SQLITE, params![name, epoch, now]).await?,
        None => tx.fetch_rows(HELD, vec![params![name, epoch]]).await?,
    };
    if rows.is_empty() { Err(Error::Fenced(name.to_owned())) } else { Ok(()) }
}
