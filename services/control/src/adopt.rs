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
use xtsync_service::configuration::{self, Read};
use xtsync_service::dead_letter::bury;
use xtsync_store::{self as store, Transaction, params};

use crate::Error;
use crate::context::{Context, ROLE};
use crate::resources::{self, Standing};
use crate::{publish, revision};

/// What the bus knows.
#[derive(Debug, Default)]
struct Known {
    /// The newest commit.
    commit: u64,
    /// The newest record of each resource by its key, closed by a commit or not.
    resources: BTreeMap<String, Resource>,
}

/// Makes whole what a crash or a loss left: what the bus or the store does not know, and then what is not published.
///
/// # Errors
/// When the store or the bus is away, or the configuration on the bus cannot be read.
pub(crate) async fn make_whole(context: &Context) -> Result<(), Error> {
    let _alone = context.revising.lock().await;
    compare(context).await?;
    publish::pending(context).await
}

/// Compares both.
///
/// # Errors
/// When the store or the bus is away, or the configuration on the bus cannot be read.
pub(crate) async fn compare(context: &Context) -> Result<(), Error> {
    let known = known(context).await?;
    let mut tx = context.begin(context.epoch()?).await?;
    let standing = resources::read_in(&mut tx).await?;
    take_back(&mut tx, &known, &standing, context).await?;
    tell_again(&mut tx, &known).await?;
    Ok(tx.commit().await?)
}

/// Takes back what is newer on the bus. What no commit has closed there is closed by the next publication.
async fn take_back(tx: &mut Transaction, known: &Known, standing: &Standing, context: &Context) -> Result<(), store::Error> {
    let newest = known.resources.values().map(|resource| resource.revision).fold(known.commit, u64::max);
    if newest <= revision::newest(tx).await? {
        return Ok(());
    }
    let newer = |resource: &&Resource| standing.get(&resource.id).is_none_or(|ours| ours.revision < resource.revision);
    for resource in known.resources.values().filter(newer) {
        resources::write(tx, &resource.id, &resource.spec, resource.revision).await?;
    }
    revision::add(tx, newest, ROLE.name(), context.clock.now()).await?;
    tracing::warn!(revision = newest, "the store had lost revisions: taken back from the bus");
    Ok(())
}

/// Forgets that something was published which the bus does not know.
async fn tell_again(tx: &mut Transaction, known: &Known) -> Result<(), store::Error> {
    tx.execute("UPDATE resource SET published = 0 WHERE published > $1", params![known.commit]).await?;
    tx.execute("UPDATE revision SET published = 0 WHERE id > $1", params![known.commit]).await?;
    let is_lost = |id: &Id| !known.resources.contains_key(&id.to_string());
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

async fn known(context: &Context) -> Result<Known, Error> {
    let mut table = Table::open(&context.bus, vec![topic::CONFIG.topic()]).await?;
    let mut known = Known::default();
    while !table.caught_up() {
        for record in table.next().await? {
            known.take(&record, context).await?;
        }
    }
    Ok(known)
}

impl Known {
    async fn take(&mut self, record: &Record, context: &Context) -> Result<(), Error> {
        match configuration::read(record) {
            Ok(Read::Commit(commit)) => self.commit = commit.revision,
            Ok(Read::Resource { resource, key, .. }) => drop(self.resources.insert(key, *resource)),
            Ok(Read::Removal { key }) => self.forget(&key),
            Err(newer) if newer.is_newer() => {
                return Err(Error::Unreadable { offset: record.at.offset, reason: newer.to_string() });
            }
            Err(unusable) => {
                context.metrics.unreadable(record);
                bury(&*context.bus, ROLE, record, unusable.code(), &unusable, context.clock.now()).await?;
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
