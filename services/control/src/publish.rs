//! Publishes revisions from the rows: first the changed resources, then the commit that closes the revision.
//!
//! Each row stores which of its revisions is on the bus. Every row that differs is published again, so a crash between storing and
//! publishing, or during a publication, loses nothing. Readers ignore records that they already have.
//!
//! A replica that lost the lease while it published marks its rows as unpublished, so that the new leader publishes the newest state again.

use prost::Message as _;
use xtsync_bus::{self as bus, Outgoing, Urgency};
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::topic::{self, COMMIT_KEY};
use xtsync_domain::Timestamp;
use xtsync_domain::resource::Resource;
use xtsync_service::configuration::digest;
use xtsync_service::publish;
use xtsync_store::{self as store, Fence, Transaction, params};

use crate::context::{Context, ROLE};
use crate::resources::{self, StoredResources};
use crate::{Error, partitions};

/// The unpublished rows, read in one transaction.
struct Due {
    revision: u64,
    actor: String,
    /// The value of `published` in the revision's row; 0 or below.
    published: i64,
    /// The resources to publish, each with the value of `published` in its row.
    changed: Vec<(Resource, i64)>,
    stored: StoredResources,
}

/// Publishes every unpublished row, as the leader.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn pending(context: &Context) -> Result<(), Error> {
    let fence = context.fence()?;
    let Some(due) = due(&fence).await? else { return Ok(()) };
    let sent = send(context, &due).await;
    let marked = publish::mark(&fence, |tx| mark_published(tx, &due, sent.is_ok()), |tx| mark_unpublished(tx, &due)).await;
    sent?;
    marked?;
    context.metrics.published(due.revision);
    context.published_revision.send_replace(due.revision);
    tracing::info!(revision = due.revision, changed = due.changed.len(), "revision published");
    Ok(())
}

async fn due(fence: &Fence) -> Result<Option<Due>, Error> {
    const REVISION: &str = "SELECT id, actor, published FROM revision WHERE published <= 0 ORDER BY id DESC LIMIT 1";
    const CHANGED: &str =
        "SELECT kind, tenant, name, spec, revision, published FROM resource WHERE revision <> published ORDER BY kind, tenant, name";
    let mut tx = fence.begin().await?;
    let Some(row) = tx.fetch_one_opt(REVISION, params![]).await? else { return Ok(None) };
    let changed = tx.fetch(CHANGED, params![]).await?;
    let changed =
        changed.iter().map(|row| Ok((resources::resource(row)?.1, row.int("published")?))).collect::<Result<_, store::Error>>()?;
    let stored = resources::read_in(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(Due { revision: row.uint("id")?, actor: row.text("actor")?, published: row.int("published")?, changed, stored }))
}

async fn send(context: &Context, due: &Due) -> Result<(), bus::Error> {
    let now = context.clock.now();
    partitions::create(&context.bus, due.changed.iter().map(|(resource, _)| resource)).await?;
    let records = due.changed.iter().map(|(resource, _)| record(resource, now)).collect();
    context.bus.publish(records, Urgency::Live).await?;
    let commit = commit(&due.stored, due.revision, due.actor.clone());
    context.bus.publish(vec![outgoing(COMMIT_KEY, &commit, now)], Urgency::Live).await
}

/// Marks the rows as published, if the bus took them. A row whose `published` another replica has changed since then is left unchanged.
async fn mark_published(mut tx: Transaction, due: &Due, is_sent: bool) -> Result<(), store::Error> {
    const RESOURCE: &str = "UPDATE resource SET published = $4 WHERE kind = $1 AND tenant = $2 AND name = $3 AND published = $5";
    if !is_sent {
        return tx.commit().await;
    }
    for (resource, published) in &due.changed {
        let [kind, tenant, name] = resources::key(&resource.id);
        tx.execute(RESOURCE, vec![kind, tenant, name, resource.revision.into(), (*published).into()]).await?;
    }
    tx.execute("UPDATE revision SET published = 1 WHERE id = $1 AND published = $2", params![due.revision, due.published]).await?;
    tx.execute("UPDATE revision SET published = 1 WHERE id < $1 AND published <= 0", params![due.revision]).await?;
    tx.commit().await
}

/// Marks the rows as unpublished after a publication without the lease, so that the leader publishes them again: an older state may now be
/// the last record of its key. Each mark is a new number below 0, so that [`mark_published`] of a running publication does not match it.
async fn mark_unpublished(mut tx: Transaction, due: &Due) -> Result<(), store::Error> {
    const RESOURCE: &str = "UPDATE resource SET published = CASE WHEN published > 0 THEN 0 ELSE published END - 1
        WHERE kind = $1 AND tenant = $2 AND name = $3";
    const REVISION: &str = "UPDATE revision SET published = CASE WHEN published > 0 THEN 0 ELSE published END - 1
        WHERE id = (SELECT MAX(id) FROM revision)";
    tracing::warn!(revision = due.revision, "published without the lease: the leader publishes the newest state again");
    for (resource, _) in &due.changed {
        tx.execute(RESOURCE, resources::key(&resource.id).into()).await?;
    }
    tx.execute(REVISION, params![]).await?;
    tx.commit().await
}

fn record(resource: &Resource, now: Timestamp) -> Outgoing {
    outgoing(&resource.id.to_string(), &internal::ConfigRecord::from(resource), now)
}

/// Returns the commit record of a revision, with the number of resources and a digest over their keys and specs in order of their keys.
fn commit(stored: &StoredResources, revision: u64, actor: String) -> internal::ConfigRecord {
    let mut keyed: Vec<(String, Vec<u8>)> = stored.values().map(|resource| (resource.id.to_string(), resource.spec.to_json())).collect();
    keyed.sort();
    let digest = digest(keyed.iter().map(|(key, spec)| (key.as_str(), spec.as_slice())));
    let resources = u32::try_from(keyed.len()).unwrap_or(u32::MAX);
    let commit = internal::Commit { resources, digest, actor };
    internal::ConfigRecord { revision, record: Some(internal::config_record::Record::Commit(commit)) }
}

fn outgoing(key: &str, record: &internal::ConfigRecord, now: Timestamp) -> Outgoing {
    event::record::<internal::ConfigRecord>(ROLE, topic::CONFIG.topic(), key, record.revision, now, None, record.encode_to_vec())
}

#[cfg(test)]
mod tests;
