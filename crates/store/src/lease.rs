//! Leases: which replica owns which work, and until when, by the database's clock.
//!
//! Each change of owner increments the epoch. A transaction that requires a lease begins at its [`Fence`]; its commit fails with
//! [`Error::Fenced`] if the lease expired or has another owner, however long the process was suspended. One task of a store acquires and
//! renews all its [`Lease`]s. The functions in this module are the single steps for one lease, for tests and simulation.

mod fence;
mod handle;
mod keeper;
mod schedule;
mod statements;

use std::fmt;
use std::time::Duration;

pub use fence::Fence;
pub use handle::{Lease, LeaseState};
pub(crate) use keeper::LeaseKeeper;

use self::statements::Locked;
use super::{Error, Param, Row, Store, Transaction};
use crate::params;
use crate::time::postgres_now;

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

/// A lease that a replica wants to hold.
#[derive(Debug)]
struct Claim {
    name: String,
    owner: String,
    ttl: Duration,
}

/// Acquires a lease that is free, has expired, or belongs to the same owner. Returns the new epoch, or `None` while another owner holds it.
/// Waits for the transactions that require it.
///
/// # Errors
/// When the database is unavailable.
pub async fn acquire(store: &Store, name: &str, owner: &str, ttl: Duration) -> Result<Option<Epoch>, Error> {
    let claim = Claim { name: name.to_owned(), owner: owner.to_owned(), ttl };
    Ok(statements::acquire(store, &[&claim], Locked::Wait).await?.remove(name))
}

/// Extends a lease; false if it has expired or has another owner.
///
/// # Errors
/// When the database is unavailable.
pub async fn renew(store: &Store, name: &str, epoch: Epoch, ttl: Duration) -> Result<bool, Error> {
    Ok(!statements::renew(store, &[(name, epoch, ttl)]).await?.is_empty())
}

/// Releases a lease, so that the next owner need not wait for its expiry.
///
/// # Errors
/// When the database is unavailable.
pub async fn release(store: &Store, name: &str, epoch: Epoch) -> Result<(), Error> {
    statements::release(store, &[(name, epoch)]).await
}

/// Selects the lease if it is held in this epoch. A key share lock conflicts with a change of epoch, which is in a unique key, and not with
/// a renewal. The statement reads the clock itself, which saves a round trip in each transaction.
pub(super) const HELD: &str = concat!(
    "WITH v (name, epoch) AS (VALUES {rows}) SELECT lease.epoch FROM lease JOIN v ON lease.name = v.name AND lease.epoch = v.epoch
    WHERE lease.until > ",
    postgres_now!(),
    " FOR KEY SHARE OF lease"
);

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
