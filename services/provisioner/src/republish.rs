//! Republishes the links of a target in batches, after every new update.
//!
//! The publisher does it, so that no older state follows a newer one, and only after the store was compared with its topic: a restored store
//! holds older states than the topic. A link that ended long ago is not republished: its key gets a tombstone, and the store keeps the
//! version of its last decision, so that a late decision restores no user.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use xtsync_bus::Urgency;
use xtsync_domain::Timestamp;
use xtsync_store::Transaction;
use xtsync_store::republish::{BATCH_INTERVAL, BATCH_ROWS, Republication};

use crate::error::Result;
use crate::owned_target::{OwnedTarget, Progress};
use crate::publish;
use crate::table::{Key, link, rehire, unpublished};

/// How often the store is asked at most whether it is time. A command has it asked at once.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Republishes one batch if it is due; returns the longest wait until the next.
pub(crate) async fn step(owned: &OwnedTarget) -> Result<Duration> {
    let now = owned.context.now();
    let due = owned.republish().due;
    if now >= due {
        let is_under_way = batch(owned, now).await?;
        let pause = if is_under_way { BATCH_INTERVAL } else { CHECK_INTERVAL };
        *owned.republish() = Progress { due: now.plus(pause), is_under_way };
    }
    Ok(owned.republish().due.since(now))
}

/// Republishes one batch; returns whether there is more.
async fn batch(owned: &OwnedTarget, now: Timestamp) -> Result<bool> {
    let context = &owned.context;
    let Some(epoch) = owned.lease.held().filter(|_| owned.is_reconciled()) else { return Ok(false) };
    let Some(current) = Republication::due(&context.store, &owned.target, context.config.republish, now).await? else { return Ok(false) };
    let mut rows = unpublished::published_after(&context.store, &owned.target, current.after(), BATCH_ROWS).await?;
    let forgotten = now.minus(context.config.forget);
    rows.iter_mut().for_each(|row| row.tombstone_if_expired(forgotten));
    let expired: BTreeSet<Key> = rows.iter().filter(|row| row.state.is_none()).map(|row| row.key.clone()).collect();
    let last = rows.last().filter(|_| rows.len() == BATCH_ROWS).map(|row| row.key.record());
    let count = rows.len();
    publish::send(owned, epoch, rows, Vec::new(), Urgency::Bulk).await?;
    context.metrics.republished(&owned.target, count);
    let mut tx = owned.begin(epoch).await?;
    // Only now: a key whose tombstone was lost gets another one.
    forget(&mut tx, &expired, forgotten).await?;
    current.advance(&mut tx, last.as_deref()).await?;
    tx.commit().await?;
    Ok(last.is_some())
}

/// Forgets links whose keys have a tombstone; what was decided last stays noted. A link with a newer decision is published again.
async fn forget(tx: &mut Transaction, expired: &BTreeSet<Key>, before: Timestamp) -> Result<()> {
    let links = link::lock(tx, expired).await?;
    let (expired, others): (BTreeMap<_, _>, BTreeMap<_, _>) = links.into_iter().partition(|(_, stored)| stored.link.is_expired(before));
    unpublished::publish_again(tx, others.values()).await?;
    let keys: Vec<&Key> = expired.keys().collect();
    link::remove(tx, &keys).await?;
    rehire::remove_of(tx, &keys).await?;
    Ok(())
}
