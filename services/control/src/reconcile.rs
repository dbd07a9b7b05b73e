//! What the bus knows of the configuration, compared with the store at start, once a day, and when somebody asks: whichever has lost
//! something gets it back.
//!
//! A bus that was made anew is told everything again. A store that was lost, or restored from a backup, takes back what it said since;
//! else its next revision would leave readers with resources that no commit closes. What is nobody's on the topic is buried; where it took
//! the place of a resource, that is told again.

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

/// What the bus knows.
#[derive(Debug, Default)]
struct Published {
    /// The newest commit.
    commit: u64,
    /// The newest record of each resource by its key, closed by a commit or not.
    resources: BTreeMap<String, Resource>,
}

/// Makes whole what a crash or a loss left: what the bus or the store does not know, and then what is not published.
///
/// # Errors
/// When the store or the bus is away, or the configuration on the bus cannot be read.
pub(crate) async fn reconcile(context: &Context) -> Result<(), Error> {
    let _guard = context.revision_lock.lock().await;
    compare(context).await?;
    publish::pending(context).await
}

/// Compares both.
///
/// # Errors
/// When the store or the bus is away, or the configuration on the bus cannot be read.
pub(crate) async fn compare(context: &Context) -> Result<(), Error> {
    let published = published(context).await?;
    let mut tx = context.begin(context.epoch()?).await?;
    let stored = resources::read_in(&mut tx).await?;
    restore_revisions(&mut tx, &published, &stored, context).await?;
    mark_unpublished(&mut tx, &published).await?;
    Ok(tx.commit().await?)
}

/// Takes back what is newer on the bus. What no commit has closed there is closed by the next publication.
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
    tracing::warn!(revision = newest, "the store had lost revisions: taken back from the bus");
    Ok(())
}

/// Forgets that something was published which the bus does not know.
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
    // They are closed by their revision's commit, which is published with them.
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

    /// Whatever stood under a key is not there any more for those who read from now on.
    fn forget(&mut self, key: &str) {
        if key == COMMIT_KEY {
            self.commit = 0;
        }
        self.resources.remove(key);
    }
}
