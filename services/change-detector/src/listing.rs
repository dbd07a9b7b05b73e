//! The listings of the members of groups in the store: a successor goes on where its predecessor stopped, and members that a listing does not
//! show leave only where the one before it has not shown them either.

use std::collections::BTreeMap;

use xtsync_directory::Cursor;
use xtsync_domain::{GroupId, TenantName, Timestamp};
use xtsync_store::{Transaction, params};

use crate::error::Error;

/// How far the listing of a group under way has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// When it began.
    pub(crate) began: Timestamp,
    /// Where it goes on; none at its beginning.
    pub(crate) page: Option<Cursor>,
}

/// When the last two complete listings of a group began; 0 where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Complete {
    /// The last one.
    pub(crate) last: Timestamp,
    /// The one before it.
    pub(crate) former: Timestamp,
}

/// The listings under way of a tenant.
pub(crate) async fn load(tx: &mut Transaction, tenant: &TenantName) -> Result<BTreeMap<GroupId, Listing>, Error> {
    let rows = tx.fetch("SELECT group_id, began, page FROM listing WHERE tenant = $1 AND began > 0", params![tenant.as_str()]).await?;
    let read = |row: &xtsync_store::Row| {
        let listing = Listing { began: Timestamp(row.int("began")?), page: row.opt_text("page")?.map(Cursor) };
        Ok((row.text("group_id")?.into(), listing))
    };
    rows.iter().map(read).collect()
}

/// Stores how far a listing has come.
pub(crate) async fn save(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, listing: &Listing) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO listing (tenant, group_id, began, page, last, former) VALUES ($1, $2, $3, $4, 0, 0) \
        ON CONFLICT (tenant, group_id) DO UPDATE SET began = excluded.began, page = excluded.page";
    let page = listing.page.as_ref().map(|page| page.0.clone());
    tx.execute(SQL, params![tenant.as_str(), group.as_str(), listing.began, page]).await?;
    Ok(())
}

/// Ends all listings of a tenant that are not complete.
pub(crate) async fn abandon(tx: &mut Transaction, tenant: &TenantName) -> Result<(), Error> {
    tx.execute("UPDATE listing SET began = 0, page = NULL WHERE tenant = $1", params![tenant.as_str()]).await?;
    Ok(())
}

/// Notes that a listing that began then is complete.
pub(crate) async fn complete(tx: &mut Transaction, tenant: &TenantName, group: &GroupId, began: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO listing (tenant, group_id, began, page, last, former) VALUES ($1, $2, 0, NULL, $3, 0) \
        ON CONFLICT (tenant, group_id) DO UPDATE SET began = 0, page = NULL, last = excluded.last, former = listing.last";
    tx.execute(SQL, params![tenant.as_str(), group.as_str(), began]).await?;
    Ok(())
}

/// When the last complete listings of a group began.
pub(crate) async fn completed(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<Complete, Error> {
    const SQL: &str = "SELECT last, former FROM listing WHERE tenant = $1 AND group_id = $2";
    let Some(row) = tx.fetch_one_opt(SQL, params![tenant.as_str(), group.as_str()]).await? else { return Ok(Complete::default()) };
    Ok(Complete { last: Timestamp(row.int("last")?), former: Timestamp(row.int("former")?) })
}

/// Forgets the listings of a group.
pub(crate) async fn delete(tx: &mut Transaction, tenant: &TenantName, group: &GroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM listing WHERE tenant = $1 AND group_id = $2", params![tenant.as_str(), group.as_str()]).await?;
    Ok(())
}
