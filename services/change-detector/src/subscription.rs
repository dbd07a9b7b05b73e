//! The subscriptions to tenants' directories in the store.
//!
//! The holder of a tenant's lease makes them; any replica may receive notifications. A replica names the subscription by the client state of
//! the notification, and the holder by its id, so neither changes another subscription.

use sha2::{Digest as _, Sha256};
use url::Url;
use xtsync_directory::{Collection, Subscription};
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{Row, Store, Transaction, params};

use crate::error::{Error, corrupt};
use crate::webhook::Hashes;

/// A subscription as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) of: Collection,
    /// In the directory; none where there is none in force.
    pub(crate) id: Option<String>,
    pub(crate) url: String,
    pub(crate) expires: Timestamp,
    pub(crate) renew_at: Timestamp,
}

/// The hash of a client state. Hashes are compared, and an attacker can choose no part of one: the comparison leaks no useful time.
pub(crate) fn state_hash(client_state: &str) -> String {
    Sha256::digest(client_state).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All of a tenant.
pub(crate) async fn load(store: &Store, tenant: &TenantName) -> Result<Vec<Known>, Error> {
    const SQL: &str = "SELECT resource, id, url, expires, renew_at FROM subscription WHERE tenant = $1 ORDER BY resource";
    store.fetch(SQL, params![tenant.as_str()]).await?.iter().map(read).collect()
}

/// The client states of all subscriptions, as hashes.
pub(crate) async fn hashes(store: &Store) -> Result<Hashes, Error> {
    let mut hashes = Hashes::new();
    for row in store.fetch("SELECT tenant, state_hash FROM subscription", params![]).await? {
        // What is no name of a tenant cannot be posted for either.
        if let Ok(tenant) = TenantName::new(row.text("tenant")?) {
            hashes.entry(tenant).or_default().insert(row.text("state_hash")?);
        }
    }
    Ok(hashes)
}

/// Notes what is about to be asked for, in place of what was: notifications may come before the answer does.
pub(crate) async fn intend(tx: &mut Transaction, tenant: &TenantName, of: Collection, state_hash: &str, url: &Url) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO subscription (tenant, resource, id, state_hash, url, expires, renew_at) \
                       VALUES ($1, $2, NULL, $3, $4, 0, 0) ON CONFLICT (tenant, resource) DO UPDATE SET id = excluded.id, \
                       state_hash = excluded.state_hash, url = excluded.url, expires = excluded.expires, renew_at = excluded.renew_at";
    tx.execute(SQL, params![tenant.as_str(), name(of), state_hash, url.as_str()]).await?;
    Ok(())
}

/// Notes that it is in force.
pub(crate) async fn made(
    tx: &mut Transaction,
    tenant: &TenantName,
    state_hash: &str,
    made: &Subscription,
    renew_at: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE subscription SET id = $3, expires = $4, renew_at = $5 WHERE tenant = $1 AND state_hash = $2";
    tx.execute(SQL, params![tenant.as_str(), state_hash, made.id.as_str(), made.expires, renew_at]).await?;
    Ok(())
}

/// Records the new expiry, unless the subscription was reported gone meanwhile.
pub(crate) async fn renewed(
    tx: &mut Transaction,
    tenant: &TenantName,
    id: &str,
    expires: Timestamp,
    renew_at: Timestamp,
) -> Result<(), Error> {
    const SQL: &str = "UPDATE subscription SET expires = $3, renew_at = $4 WHERE tenant = $1 AND id = $2";
    tx.execute(SQL, params![tenant.as_str(), id, expires, renew_at]).await?;
    Ok(())
}

/// Notes that it is gone, and is to be asked for anew.
pub(crate) async fn gone(tx: &mut Transaction, tenant: &TenantName, state_hash: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE subscription SET id = NULL WHERE tenant = $1 AND state_hash = $2";
    tx.execute(SQL, params![tenant.as_str(), state_hash]).await?;
    Ok(())
}

/// Notes that it is to be renewed at once.
pub(crate) async fn renew_now(tx: &mut Transaction, tenant: &TenantName, state_hash: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE subscription SET renew_at = 0 WHERE tenant = $1 AND state_hash = $2";
    tx.execute(SQL, params![tenant.as_str(), state_hash]).await?;
    Ok(())
}

/// Forgets one that is asked for no more.
pub(crate) async fn forget(tx: &mut Transaction, tenant: &TenantName, of: Collection) -> Result<(), Error> {
    tx.execute("DELETE FROM subscription WHERE tenant = $1 AND resource = $2", params![tenant.as_str(), name(of)]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Known, Error> {
    Ok(Known {
        of: match row.text("resource")?.as_str() {
            "users" => Collection::Users,
            "groups" => Collection::Groups,
            _ => return Err(corrupt("what a subscription is about")),
        },
        id: row.opt_text("id")?,
        url: row.text("url")?,
        expires: Timestamp(row.int("expires")?),
        renew_at: Timestamp(row.int("renew_at")?),
    })
}

fn name(of: Collection) -> &'static str {
    match of {
        Collection::Users => "users",
        Collection::Groups => "groups",
    }
}
