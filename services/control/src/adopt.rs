//! What the bus knows of the configuration, compared with the store at start: whichever has lost something gets it back.
//!
//! A bus that was made anew is told everything again. A store that was lost, or restored from a backup, takes back what it said since;
//! else its next revision would leave readers with resources that no commit closes.

use std::collections::BTreeMap;

use xtsync_domain::resource::{Id, Resource};
use xtsync_platform::bus::{Bus, Record, Table};
use xtsync_platform::params;
use xtsync_platform::store::{self, Transaction};
use xtsync_proto::event;
use xtsync_proto::topic::{COMMIT_KEY, Topic};
use xtsync_proto::v1;

use crate::Error;
use crate::context::Context;
use crate::resources::{self, Standing};
use crate::revision;

/// What the bus knows.
#[derive(Debug, Default)]
struct Known {
    /// The newest commit.
    commit: u64,
    /// The newest record of each resource, closed by a commit or not.
    resources: BTreeMap<Id, Resource>,
}

/// Compares both, once the lease is held and before anything else.
///
/// # Errors
/// When the store or the bus is away, or the configuration on the bus cannot be read.
pub(crate) async fn at_start(context: &Context) -> Result<(), Error> {
    let known = known(&context.bus).await?;
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
    revision::add(tx, newest, "control", context.clock.now()).await?;
    tracing::warn!(revision = newest, "the store had lost revisions: taken back from the bus");
    Ok(())
}

/// Forgets that something was published which the bus does not know.
async fn tell_again(tx: &mut Transaction, known: &Known) -> Result<(), store::Error> {
    tx.execute("UPDATE resource SET published = 0 WHERE published > $1", params![known.commit]).await?;
    tx.execute("UPDATE revision SET published = 0 WHERE id > $1", params![known.commit]).await?;
    Ok(())
}

async fn known(bus: &Bus) -> Result<Known, Error> {
    let mut table = Table::open(bus, vec![Topic::Config]).await?;
    let mut known = Known::default();
    while !table.caught_up() {
        for record in table.next().await? {
            known.take(&record)?;
        }
    }
    Ok(known)
}

impl Known {
    fn take(&mut self, record: &Record) -> Result<(), Error> {
        // Nothing is removed yet; a tombstone is nobody's.
        let Some(value) = &record.value else { return Ok(()) };
        let unreadable = |reason: String| Error::Unreadable { offset: record.at.offset, reason };
        let read: v1::ConfigRecord = event::decode(&record.headers, value).map_err(|error| unreadable(error.to_string()))?;
        if record.key == COMMIT_KEY {
            self.commit = read.revision;
            return Ok(());
        }
        let resource = Resource::try_from(read).map_err(|error| unreadable(error.to_string()))?;
        self.resources.insert(resource.id.clone(), resource);
        Ok(())
    }
}
