//! The listings of members that are under way, in the store: a successor goes on where its predecessor stopped.

use std::collections::BTreeMap;

use xtsync_directory::Cursor;
use xtsync_domain::{GroupId, TenantName, Timestamp};
use xtsync_store::{Transaction, params};

use crate::error::Error;

/// How far the listing of a group has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// When it began.
    pub(crate) began: Timestamp,
    /// Where it goes on; none at its beginning.
    pub(crate) page: Option<Cursor>,
}

/// The listings under way of a tenant.
pub(crate) async fn load(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeMap<GroupId, Listing>, Error> {
    let rows = tx.fetch("SELECT group_id, began, page FROM listing WHERE tenant = $1", params![tenant.as_str()]).await?;
    let read = |row: &xtsync_store::Row| {
        let listing = Listing { began: Timestamp(row.int("began")?), page: row.opt_text("page")?.map(Cursor) };
        Ok((row.text("group_id")?.into(), listing))
    };
    rows.iter().map(read).collect()
}

/// Stores how far a listing has come.
pub(crate) async fn save(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, listing: &Listing) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO listing (tenant, group_id, began, page) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (tenant, group_id) DO UPDATE SET began = excluded.began, page = excluded.page";
    let page = listing.page.as_ref().map(|page| page.0.clone());
    tx.execute(SQL, params![tenant.as_str(), group.as_str(), listing.began, page]).await?;
    Ok(())
}

/// Forgets a listing: it has ended, or is given up.
pub(crate) async fn delete(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM listing WHERE tenant = $1 AND group_id = $2", params![tenant.as_str(), group.as_str()]).await?;
    Ok(())
}
