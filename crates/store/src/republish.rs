//! The scrub: once a day, and when somebody asks, a role tells again what its store holds of a tenant, under the versions it has. Who
//! knows them drops them; who lost a record, to compaction or to an unclean broker, gets it back.
//!
//! It goes through the rows in order of their keys, a small piece at a time and with pauses, so that what is live never waits behind more
//! than a piece. On its way it ends the keys of what has been gone for long, with a tombstone. How far it has come is in the store: whoever
//! takes the tenant over goes on there, and does not begin anew.

use std::time::Duration;

use xtsync_domain::{TenantName, Timestamp};

use crate::params;
use crate::{Error, Store, Transaction};
use xtsync_runtime::stagger;

/// How many rows one piece has at most.
pub const BATCH_ROWS: usize = 200;

/// How long others go first before the next piece: a thousand rows a second.
pub const BATCH_INTERVAL: Duration = Duration::from_millis(200);

/// How long what is gone stays known: longer than any bin, any grace time and any outage that is promised to be overcome.
pub const GONE_RETENTION: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// A scrub under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Republication {
    tenant: TenantName,
    began: Timestamp,
    after: String,
}

impl Republication {
    /// The scrub of a tenant that is under way, or is to begin now, because it was asked for or is due again.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn due(store: &Store, tenant: &TenantName, every: Duration, now: Timestamp) -> Result<Option<Self>, Error> {
        let rows = store.fetch("SELECT began, after_key FROM republication WHERE tenant = $1", params![tenant.as_str()]).await?;
        let Some(row) = rows.first() else {
            // The first one waits for its turn: whoever is new has just been told everything.
            return begin(store, tenant, None, now).await.map(|()| None);
        };
        let began = Timestamp(row.int(0)?);
        if let Some(after) = row.opt_text(1)? {
            return Ok(Some(Self { tenant: tenant.clone(), began, after }));
        }
        if stagger::next(&format!("republish/{tenant}"), every, began).is_none_or(|due| now < due) {
            return Ok(None);
        }
        begin(store, tenant, Some(""), now).await?;
        Ok(Some(Self { tenant: tenant.clone(), began: now, after: String::new() }))
    }

    /// Whether nothing has been told again yet.
    #[must_use]
    pub fn is_at_start(&self) -> bool {
        self.after.is_empty()
    }

    /// The last key that was told again; empty before the first.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Notes how far it has come; with `None` it is complete. Where it was asked for again meanwhile it begins anew.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn advance(&self, tx: &mut Transaction, key: Option<&str>) -> Result<(), Error> {
        const SQL: &str = "UPDATE republication SET after_key = $4 WHERE tenant = $1 AND began = $2 AND after_key = $3";
        tx.execute(SQL, params![self.tenant.as_str(), self.began, self.after.as_str(), key]).await.map(drop)
    }
}

/// Asks for the scrub of a tenant now, from the beginning.
///
/// # Errors
/// When the database is away.
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
