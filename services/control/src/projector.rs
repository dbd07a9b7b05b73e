//! The projector: folds the topics of all tenants into the read model, from the offsets in the store.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use xtsync_bus::{Record, Topic, WantedTopics};
use xtsync_contract::topic;
use xtsync_domain::configuration::Configuration;
use xtsync_service::consumer::{Consumer, positions};

use crate::context::Context;
use crate::view::{self, Changed};
use crate::{Error, directories, resolve, resources};

/// The consumer group, for tools that show lag. The offsets that count are in the store.
const GROUP: &str = "xtsync-control";

/// The pause after a batch. The first record of a burst is folded at once; the following ones share a batch and a transaction.
const BATCH_INTERVAL: Duration = Duration::from_millis(50);

/// How long identities are collected before they are pinned, and the least interval between two resolutions of names: many tenants that are
/// read for the first time make few revisions.
const FOLLOW_UP_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the topics of the read model.
pub(crate) fn topics(configuration: &Configuration) -> BTreeSet<Topic> {
    let of_tenants = configuration.tenants().flat_map(|(tenant, _)| topic::of_tenant(tenant));
    of_tenants.chain([topic::STATUS.topic()]).collect()
}

/// Folds records into the read model until an error occurs.
///
/// # Errors
/// If the bus or the store fails, or this replica no longer leads.
pub(crate) async fn run(context: &Context) -> Result<(), Error> {
    let mut published_revision = context.published_revision.subscribe();
    let mut wanted = wanted(context).await?;
    let mut consumer = Consumer::new(&context.store, &context.bus, GROUP);
    // At first also what a former leader left.
    let mut pin_at = Some(Instant::now());
    let (mut resolve_at, mut resolved_at) = (None, Instant::now());
    loop {
        consumer.set_topics(&wanted).await?;
        match consumer.missing() {
            Some(missing) => context.topics.set(false, missing.to_string()),
            None => context.topics.set(true, ""),
        }
        tokio::select! {
            event = consumer.next() => if let Some(event) = event? {
                let records = consumer.handle(event).await?;
                let changed = project(context, &mut consumer, &records).await?;
                if changed.identities {
                    pin_at.get_or_insert_with(|| Instant::now() + FOLLOW_UP_INTERVAL);
                }
                if changed.resolvable {
                    resolve_at.get_or_insert_with(|| Instant::now().max(resolved_at + FOLLOW_UP_INTERVAL));
                }
            },
            () = sleep_until(resolve_at.unwrap_or_else(Instant::now)), if resolve_at.is_some() => {
                resolve_at = None;
                resolve::resolve_pending(context).await?;
                resolved_at = Instant::now();
            }
            () = sleep_until(pin_at.unwrap_or_else(Instant::now)), if pin_at.is_some() => {
                pin_at = None;
                directories::pin_new(context).await?;
            }
            changed = published_revision.changed() => {
                // The context owns the sender.
                changed.expect("the context outlives its projector");
                wanted = self::wanted(context).await?;
            }
        }
    }
}

/// Folds records in; returns which of them require follow-up work.
async fn project(context: &Context, consumer: &mut Consumer, records: &[Record]) -> Result<Changed, Error> {
    if records.is_empty() {
        return Ok(Changed::default());
    }
    let changed = view::fold(context, records).await?;
    context.folded.send_modify(|folds| *folds += 1);
    if changed.numbers {
        context.numbers.send_replace(());
    }
    consumer.commit(positions(records)).await;
    sleep(BATCH_INTERVAL).await;
    Ok(changed)
}

async fn wanted(context: &Context) -> Result<WantedTopics, Error> {
    let stored = resources::read(&context.store).await?;
    let topics = topics(&Configuration::new(0, stored.into_values()));
    Ok(topics.into_iter().map(|topic| (topic, Vec::new())).collect())
}
