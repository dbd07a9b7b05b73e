//! Makes up for a store that was restored from a backup, or lost: what it said is on `links`, and more of it than the store knows.
//!
//! Links that the topic knows better are taken from there, and read back before anything is done; then their decisions are taken in again,
//! because a decision that came while a link was missing found no user to remove. A store that has not owned the target before takes all
//! records. The owner rebuilds once an epoch, and again if the rebuild was interrupted. No decision is taken in before that: of a link that
//! the store has not, each would make one, and write over the other's.
//!
//! A backup of this store makes it whole by itself. What another store wrote means that this one is new: then the target only observes
//! until an administrator resumes it.

use std::collections::BTreeMap;

use tracing::warn;
use xtsync_bus::{Record, Table};
use xtsync_contract::convert::LinkRecord;
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_domain::TargetId;
use xtsync_domain::link::RowUpdate;
use xtsync_domain::link::class::class;
use xtsync_service::rebuild::{self, Restore};
use xtsync_store::{Epoch, Transaction, retry_contended};

use crate::decisions;
use crate::error::{Error, Result};
use crate::owned_target::OwnedTarget;
use crate::table::counted::Counted;
use crate::table::decided::{self, Decided};
use crate::table::link::{self, Stored};
use crate::table::{Key, target, work};

/// Takes from the topic what the store has lost.
pub(crate) async fn rebuild(owned: &OwnedTarget, epoch: Epoch) -> Result<()> {
    let (context, bus) = (&owned.context, &owned.context.parts.bus);
    let was_reconciled = target::read(&context.store, &owned.target).await?.is_some_and(|state| state.is_reconciled);
    let taken = rebuild::rebuild(bus, topic::LINKS.of(&owned.target), &Links { owned, epoch }, !was_reconciled).await?;
    if taken > 0 {
        warn!(target = %owned.target, links = taken, "the store is older than its links topic: links were taken from the topic");
        let mut table = Table::open(bus, vec![topic::DECISIONS.of(&owned.target)]).await?;
        while !table.caught_up() {
            decisions::store_again(owned, epoch, &table.next().await?).await?;
        }
    }
    let mut tx = owned.begin(epoch).await?;
    target::set_reconciled(&mut tx, &owned.target).await?;
    Ok(tx.commit().await?)
}

/// The links of a target, as they are restored.
struct Links<'a> {
    owned: &'a OwnedTarget,
    epoch: Epoch,
}

impl Restore for Links<'_> {
    type Error = Error;

    async fn is_behind(&self, records: Vec<Record>) -> Result<bool> {
        let mut tx = self.owned.begin(self.epoch).await?;
        let is_behind = !lost(&mut tx, self.owned, records).await?.is_empty();
        // Only the owner may take links.
        tx.commit().await?;
        Ok(is_behind)
    }

    async fn restore(&self, records: Vec<Record>) -> Result<usize> {
        retry_contended(|| take(self.owned, self.epoch, records.clone())).await
    }
}

/// A link that the topic knows better, and what the store has of it.
struct Lost {
    known: Option<Stored>,
    published: LinkRecord,
}

/// The links of these records that are missing or older in the store, locked until the end of the transaction.
async fn lost(tx: &mut Transaction, owned: &OwnedTarget, records: Vec<Record>) -> Result<BTreeMap<Key, Lost>> {
    // Of several records of one link the last is the newest.
    let published: BTreeMap<Key, LinkRecord> = records.iter().filter_map(|record| read(owned, record)).collect();
    let mut known = link::lock(tx, &published.keys().cloned().collect()).await?;
    let lost = published.into_iter().map(|(key, published)| {
        let known = known.remove(&key);
        (key, Lost { known, published })
    });
    Ok(lost.filter(|(_, Lost { known, published })| known.as_ref().is_none_or(|known| known.version < published.version)).collect())
}

fn read(owned: &OwnedTarget, record: &Record) -> Option<(Key, LinkRecord)> {
    let wire = event::decode::<events::Link>(&record.headers, record.value.as_ref()?).ok()?;
    let published = LinkRecord::try_from(wire).ok()?;
    Some((Key { target: owned.target.clone(), source: published.link.source().clone(), user: published.link.user().clone() }, published))
}

/// Takes from some records what the store has lost; returns the number of links.
async fn take(owned: &OwnedTarget, epoch: Epoch, records: Vec<Record>) -> Result<usize> {
    let (context, now) = (&owned.context, owned.context.now());
    let mut tx = owned.begin(epoch).await?;
    let lost = lost(&mut tx, owned, records).await?;
    if lost.is_empty() {
        return Ok(0);
    }
    let is_new = lost.values().any(|lost| lost.published.store_id != context.store.store_id());
    target::begin_rebuild(&mut tx, &owned.target, is_new.then_some(now)).await?;
    let mut rebuilt: BTreeMap<Key, Stored> = lost.into_iter().map(|(key, lost)| (key, taken(lost))).collect();
    let count = rebuilt.len();
    assign_owners(&mut tx, owned, &mut rebuilt).await?;
    link::save(&mut tx, rebuilt.values(), context.store.store_id());
    // Decisions that came while a link was missing are taken in again.
    decided::save(&mut tx, rebuilt.iter().map(|(key, stored)| (key, Decided::unknown(stored.link.desired.version))));
    let due: Vec<_> = rebuilt.values().map(|stored| (stored.key(), class(&stored.link))).collect();
    work::arrived(&mut tx, &due, now);
    tx.commit().await?;
    Ok(count)
}

/// Leaves each object to one link. It may have moved from a user's former account to the new one, and the topic may still say, or the store
/// know, what was before: the link that changed last has it.
async fn assign_owners(tx: &mut Transaction, owned: &OwnedTarget, links: &mut BTreeMap<Key, Stored>) -> Result<()> {
    let ids = links.values().filter_map(|stored| stored.link.shadow.id().cloned()).collect();
    for (key, stored) in link::disown(tx, &owned.target, &ids).await? {
        links.entry(key).or_insert(stored);
    }
    let mut owners = BTreeMap::<TargetId, u64>::new();
    for stored in links.values() {
        if let Some(id) = stored.link.shadow.id() {
            let newest = owners.entry(id.clone()).or_default();
            *newest = stored.version.max(*newest);
        }
    }
    for stored in links.values_mut() {
        if stored.link.shadow.id().and_then(|id| owners.get(id)).is_some_and(|newest| stored.version < *newest) {
            stored.link.update_row(&RowUpdate::Forget, owned.context.now());
        }
    }
    Ok(())
}

/// A link as it is stored after a rebuild: unverified, and with the newest known decision.
fn taken(Lost { known, published }: Lost) -> Stored {
    let mut link = published.link;
    if let Some(known) = &known {
        link.rebase(&known.link);
    }
    link.mark_unverified();
    let (traceparent, row_version) = known.map_or((None, 0), |known| (known.traceparent, known.row_version));
    // Published again, as what it is in this store.
    Stored { link, version: published.version, traceparent, counted: Counted::default(), row_version, stored_version: 0 }
}
