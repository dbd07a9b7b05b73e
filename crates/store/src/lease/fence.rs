//! The writes of one owner of a lease: they fail as soon as the lease has expired or has another owner.

use std::collections::HashSet;

use super::{Epoch, Error, SQLITE, Store, Transaction, statements};
use crate::params;
use crate::time::postgres_now;

/// One epoch of a lease, and the store that it protects. A former owner keeps its fence and can commit nothing with it.
#[derive(Debug, Clone)]
pub struct Fence {
    store: Store,
    lease: String,
    epoch: Epoch,
}

impl Fence {
    /// The fence of a lease in an epoch in which it was acquired.
    #[must_use]
    pub fn new(store: Store, lease: &str, epoch: Epoch) -> Self {
        Self { store, lease: lease.to_owned(), epoch }
    }

    /// The store, for what needs no lease.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The name of the lease.
    #[must_use]
    pub fn lease(&self) -> &str {
        &self.lease
    }

    /// The epoch; a later one fences this.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Begins a transaction that commits only if the lease is still held in this epoch: no other owner acquires it between the commit's last
    /// statement and its end. Earlier statements are fenced only by the commit; a caller that must know earlier uses [`Fence::check`].
    ///
    /// # Errors
    /// As [`Store::begin`]. The commit fails with [`Error::Fenced`] if the lease has expired or has another owner.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        let mut tx = self.store.begin().await?;
        tx.require_lease(&self.lease, self.epoch);
        Ok(tx)
    }

    /// Checks whether the lease is held now; it may be lost right after.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease has expired or has another owner. Otherwise when the database is unavailable.
    pub async fn check(&self) -> Result<(), Error> {
        const POSTGRES: &str = concat!("SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 AND until > ", postgres_now!());
        let row = match self.store.file_now() {
            Some(now) => self.store.fetch_one_opt(SQLITE, params![self.lease.as_str(), self.epoch, now]).await?,
            None => self.store.fetch_one_opt(POSTGRES, params![self.lease.as_str(), self.epoch]).await?,
        };
        row.map(drop).ok_or_else(|| Error::Fenced(self.lease.clone()))
    }

    /// Which of these leases are held now, as [`Fence::check`] of each; all in one statement.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn held(store: &Store, fences: impl IntoIterator<Item = &Self>) -> Result<HashSet<(String, Epoch)>, Error> {
        let fences: Vec<(&str, Epoch)> = fences.into_iter().map(|fence| (fence.lease(), fence.epoch)).collect();
        statements::held(store, &fences).await
    }

    /// Whether the lease is known to be lost: the database says so. False while the database is unavailable.
    pub async fn is_lost(&self) -> bool {
        matches!(self.check().await, Err(Error::Fenced(_)))
    }
}
