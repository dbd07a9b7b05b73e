//! Compares the configuration on the bus with the store, at start, at intervals and on request, and restores what either has lost.
//!
//! Everything is republished to a recreated bus. A lost store, or one restored from a backup, takes the newer revisions from the bus.
//! Otherwise its next revision would leave readers with resources that no commit closes. Foreign records on the topic are dead-lettered. If
//! one has replaced a resource's record, the resource is republished.

use std::collections::BTreeMap;

use xtsync_bus::{Record, Table};
use xtsync_contract::topic::{self, COMMIT_KEY};
use xtsync_domain::resource::{Id, Resource};
use xtsync_service::configuration::{self, ParsedRecord};
use xtsync_service::dead_letter;
use xtsync_store::{self as store, Transaction, params};

use crate::Error;
use crate::context::{Context, ROLE};
use crate::resources::{self, StoredResources};
use crate::{publish, revision};

/// The configuration on the bus.
#[derive(Debug, Default)]
struct Published {
    /// The newest commit.
    commit: u64,
    /// The newest record of each resource, by key, also if no commit has closed it.
    resources: BTreeMap<String, Resource>,
}

/// Restores what the bus or the store has lost, then publishes every unpublished row.
///
/// # Errors
/// If the store or the bus is unavailable, or a newer version wrote the configuration on the bus.
pub(crate) async fn reconcile(context: &Context) -> Result<(), Error> {
    let _guard = context.revision_lock.lock().await;
    compare(context).await?;
    publish::pending(context).await
}

/// Restores lost revisions in the store, and marks the rows that are missing on the bus as unpublished.
///
/// # Errors
/// If the store or the bus is unavailable, or a newer version wrote the configuration on the bus.
pub(crate) async fn compare(context: &Context) -> Result<(), Error> {
    let published = published(context).await?;
    let mut tx = context.fence()?.begin().await?;
    let stored = resources::read_in(&mut tx).await?;
    restore_revisions(&mut tx, &published, &stored, context).await?;
    mark_unpublished(&mut tx, &published).await?;
    Ok(tx.commit().await?)
}

/// Stores the resources that are newer on the bus. The next publication closes those that no commit has closed.
async fn restore_revisions(
    tx: &mut Transaction,
    published: &Published,
    stored: &StoredResources,
    context: &Context,
) -> Result<(), store::Error> {
    let newest = published.resources.values().map(|resource| resource.revision).fold(published.commit, u64::max);
    if newest <= revision::newest(tx).await? {
        return Ok(());
    }
    let newer = |resource: &&Resource| stored.get(&resource.id).is_none_or(|stored_resource| stored_resource.revision < resource.revision);
    for resource in published.resources.values().filter(newer) {
        resources::write(tx, &resource.id, &resource.spec, resource.revision).await?;
    }
    revision::add(tx, newest, ROLE.name(), context.clock.now()).await?;
    tracing::warn!(revision = newest, "the store had lost revisions: restored from the bus");
    Ok(())
}

/// Marks the rows that are missing on the bus as unpublished.
async fn mark_unpublished(tx: &mut Transaction, published: &Published) -> Result<(), store::Error> {
    tx.execute("UPDATE resource SET published = 0 WHERE published > $1", params![published.commit]).await?;
    tx.execute("UPDATE revision SET published = 0 WHERE id > $1", params![published.commit]).await?;
    let is_lost = |id: &Id| !published.resources.contains_key(&id.to_string());
    let lost: Vec<Id> = resources::read_in(tx).await?.into_keys().filter(is_lost).collect();
    if lost.is_empty() {
        return Ok(());
    }
    for id in &lost {
        resources::unpublish(tx, id).await?;
    }
    // The commit of the newest revision is published with them and closes them.
    let newest = revision::newest(tx).await?;
    tx.execute("UPDATE revision SET published = 0 WHERE id = $1", params![newest]).await.map(drop)
}

async fn published(context: &Context) -> Result<Published, Error> {
    let mut table = Table::open(&context.bus, vec![topic::CONFIG.topic()]).await?;
    let mut published = Published::default();
    while !table.caught_up() {
        for record in table.next().await? {
            published.apply(&record, context).await?;
        }
    }
    Ok(published)
}

impl Published {
    async fn apply(&mut self, record: &Record, context: &Context) -> Result<(), Error> {
        match configuration::read(record) {
            Ok(ParsedRecord::Commit(commit)) => self.commit = commit.revision,
            Ok(ParsedRecord::Resource { resource, key, .. }) => drop(self.resources.insert(key, *resource)),
            Ok(ParsedRecord::Removal { key }) => self.forget(&key),
            Err(newer) if newer.is_newer() => {
                return Err(Error::Unreadable { offset: record.at.offset, reason: newer.to_string() });
            }
            Err(unusable) => {
                context.metrics.unreadable(record);
                dead_letter::send(&*context.bus, ROLE, record, unusable.code(), &unusable, context.clock.now()).await?;
                self.forget(&String::from_utf8_lossy(&record.key));
            }
        }
        Ok(())
    }

    /// Removes a key: a new reader no longer finds its former record.
    fn forget(&mut self, key: &str) {
        if key == COMMIT_KEY {
            self.commit = 0;
        }
        self.resources.remove(key);
    }
}
