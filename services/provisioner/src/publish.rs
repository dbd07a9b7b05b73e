//! Publishes what was committed for one target: the state of links from their rows, what was done from the outbox.
//!
//! State is coalesced: a row that changed twice before it was published is published once. Only the owner of the target publishes, and
//! each record carries its version, so that what a former owner still had under way is known to be older. It may be the last record of
//! its key all the same: who published and then finds the lease gone has the owner publish those links again.

use xtsync_bus::{Outgoing, Urgency};
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_service::publish;
use xtsync_store::{Epoch, outbox};

use crate::ROLE;
use crate::error::Result;
use crate::owned_target::OwnedTarget;
use crate::table::unpublished::{self, Unpublished};

/// Records in one publication.
const BATCH_MAX: u32 = 500;

/// Publishes everything there is; nothing without the lease.
pub(crate) async fn step(owned: &OwnedTarget) -> Result<usize> {
    let (store, topic) = (&owned.context.store, topic::OUTCOMES.of(&owned.target));
    let mut published = 0;
    while let Some(epoch) = owned.lease.held() {
        let links = unpublished::oldest(store, &owned.target, BATCH_MAX).await?;
        let outcomes = outbox::oldest(store, &topic, BATCH_MAX).await?;
        let is_last = links.len().max(outcomes.len()) < BATCH_MAX as usize;
        published += links.len() + outcomes.len();
        send(owned, epoch, links, outcomes, Urgency::Live).await?;
        // Who commits more meanwhile wakes the publisher.
        if is_last {
            break;
        }
    }
    Ok(published)
}

/// Publishes the state of rows, and outcomes by their numbers, as the owner.
pub(crate) async fn send(
    owned: &OwnedTarget,
    epoch: Epoch,
    links: Vec<Unpublished>,
    outcomes: Vec<(i64, Outgoing)>,
    urgency: Urgency,
) -> Result<()> {
    if links.is_empty() && outcomes.is_empty() {
        return Ok(());
    }
    let (context, fence, now) = (&owned.context, owned.lease.fence(epoch), owned.context.now());
    let record = |row: &Unpublished| {
        let (topic, key, traceparent) = (topic::LINKS.of(&owned.target), row.key.record(), row.traceparent.as_deref());
        match &row.state {
            Some(state) => event::record::<events::Link>(ROLE, topic, &key, row.version, now, traceparent, state.clone()),
            None => Outgoing::tombstone(topic, &key),
        }
    };
    fence.check().await?;
    let (numbers, outcomes): (Vec<i64>, Vec<Outgoing>) = outcomes.into_iter().unzip();
    let publish = |records| publish::records(&*context.parts.bus, ROLE, records, urgency, now);
    // One that does not get through does not hold up the other.
    let (links_sent, outcomes_sent) = tokio::join!(publish(links.iter().map(record).collect()), publish(outcomes));
    let published_links = links_sent.as_ref().map_or(&[][..], |()| &links);
    let removed = outcomes_sent.as_ref().map_or(&[][..], |()| &numbers);
    let mark = |mut tx| async move {
        unpublished::published(&mut tx, published_links);
        outbox::remove(&mut tx, removed);
        tx.commit().await
    };
    let mark_late = |mut tx| async {
        unpublished::published_late(&mut tx, &links).await?;
        tx.commit().await
    };
    publish::mark(&fence, mark, mark_late).await?;
    links_sent?;
    Ok(outcomes_sent?)
}
