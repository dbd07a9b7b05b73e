//! Stores the next revision: the resources that differ from the stored ones, in one transaction.
//!
//! An unchanged resource keeps its revision and is not published again. A resource that is absent from an apply is not removed.

use std::collections::BTreeMap;

use xtsync_domain::resource::{Id, Spec};
use xtsync_domain::{TenantName, Timestamp, version};
use xtsync_store::{Error, Transaction, params};

use crate::actor::Operation;
use crate::audit;
use crate::resources::{self, StoredResources};

/// Returns the newest revision; 0 before the first.
pub(crate) async fn newest(tx: &mut Transaction) -> Result<u64, Error> {
    let row = tx.fetch_one_opt("SELECT id FROM revision ORDER BY id DESC LIMIT 1", params![]).await?;
    row.map_or(Ok(0), |row| row.uint("id"))
}

/// Adds an unpublished revision.
pub(crate) async fn add(tx: &mut Transaction, revision: u64, actor: &str, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO revision (id, actor, at, published) VALUES ($1, $2, $3, 0)";
    tx.execute(SQL, params![revision, actor, now]).await.map(drop)
}

/// Stores the resources of `wanted` that differ from `stored` as the next revision. Returns the newest revision; that is the last one if
/// nothing differs.
pub(crate) async fn store(
    tx: &mut Transaction,
    operation: Operation<'_>,
    stored: &StoredResources,
    wanted: &BTreeMap<Id, Spec>,
) -> Result<u64, Error> {
    let last = newest(tx).await?;
    let changed: Vec<(&Id, &Spec)> =
        wanted.iter().filter(|(id, spec)| stored.get(*id).is_none_or(|resource| resource.spec != **spec)).collect();
    if changed.is_empty() {
        return Ok(last);
    }
    let revision = version::next(last, operation.now);
    add(tx, revision, operation.actor.identity, operation.now).await?;
    for (id, spec) in changed {
        resources::write(tx, id, spec, revision).await?;
        let tenant = id.tenant.as_ref().map_or("-", TenantName::as_str);
        audit::record(tx, operation, tenant, &id.to_string(), &spec.to_json()).await?;
    }
    Ok(revision)
}
