//! Republication: once a day, and on request, a role republishes its stored state of a tenant with unchanged versions. Consumers that
//! already have a record ignore it. A consumer that lost one, because of compaction or an unclean broker, gets it again.
//!
//! It reads the rows in order of their keys, in small batches with pauses, so that live work waits behind one batch at most. It also
//! publishes tombstones for objects that were deleted long ago. Its progress is in the store: a replica that acquires the tenant's lease
//! resumes it.

use std::time::Duration;

use xtsync_domain::{TenantName, Timestamp};

use crate::params;
use crate::{Error, Store, Transaction};
use xtsync_runtime::stagger;

/// The most rows of one batch.
pub const BATCH_ROWS: usize = 200;

/// The pause before the next batch: about a thousand rows a second.
pub const BATCH_INTERVAL: Duration = Duration::from_millis(200);

/// How long deleted objects stay known: longer than any recycle bin, any grace period and any supported outage.
pub const GONE_RETENTION: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// A republication in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Republication {
    tenant: TenantName,
    began: Timestamp,
    after: String,
}

impl Republication {
    /// Returns the republication of a tenant that is in progress, or starts one that is requested or due.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn due(store: &Store, tenant: &TenantName, every: Duration, now: Timestamp) -> Result<Option<Self>, Error> {
        let rows = store.fetch("SELECT began, after_key FROM republication WHERE tenant = $1", params![tenant.as_str()]).await?;
        let Some(row) = rows.first() else {
            // The first one is due only later: a new tenant has just been published completely.
            return begin(store, tenant, None, now).await.map(|()| None);
        };
        let began = Timestamp(row.int("began")?);
        if let Some(after) = row.opt_text("after_key")? {
            return Ok(Some(Self { tenant: tenant.clone(), began, after }));
        }
        if stagger::next(&format!("republish/{tenant}"), every, began).is_none_or(|due| now < due) {
            return Ok(None);
        }
        begin(store, tenant, Some(""), now).await?;
        Ok(Some(Self { tenant: tenant.clone(), began: now, after: String::new() }))
    }

    /// Whether no batch has been republished yet.
    #[must_use]
    pub fn is_at_start(&self) -> bool {
        self.after.is_empty()
    }

    /// The last republished key; empty before the first.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Stores the progress; `None` completes it. After a new request this changes nothing: the republication starts again.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn advance(&self, tx: &mut Transaction, key: Option<&str>) -> Result<(), Error> {
        const SQL: &str = "UPDATE republication SET after_key = $4 WHERE tenant = $1 AND began = $2 AND after_key = $3";
        tx.execute(SQL, params![self.tenant.as_str(), self.began, self.after.as_str(), key]).await.map(drop)
    }
}

/// Requests a republication of a tenant from the beginning.
///
/// # Errors
/// When the database is unavailable.
pub async fn request(tx: &mut Transaction, tenant: &TenantName, now: Timestamp) -> Result<(), Error> {
    set(tx, tenant, Some(""), now).await
}

async fn begin(store: &Store, tenant: &TenantName, after: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    set(&mut tx, tenant, after, now).await?;
    tx.commit().await
}

async fn set(tx: &mut Transaction, tenant: &TenantName, after: Option<&str>, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO republication (tenant, began, after_key) VALUES ($1, $2, $3)
        ON CONFLICT (tenant) DO UPDATE SET began = excluded.began, after_key = excluded.after_key";
    tx.execute(SQL, params![tenant.as_str(), now, after]).await.map(drop)
}
