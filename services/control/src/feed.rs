//! Feeds the read model from the bus: the topics of every tenant, from where the store says.

use std::collections::BTreeSet;

use xtsync_domain::configuration::Configuration;
use xtsync_domain::resource::Resource;
use xtsync_platform::bus::{Committed, Event, Partition, Record, Subscription};
use xtsync_platform::store::load_offsets;
use xtsync_platform::telemetry::chain;
use xtsync_proto::topic::Topic;

use crate::context::Context;
use crate::{Error, pins, resources, view};

/// The group under which lag tools find control. Where it reads from is kept in its store.
const GROUP: &str = "xtsync-control";

/// The topics that the read model is made of.
pub(crate) fn topics(configuration: &Configuration) -> BTreeSet<Topic> {
    let of_tenants = configuration.tenants().flat_map(|(tenant, _)| Topic::of_tenant(tenant));
    of_tenants.chain([Topic::Status]).collect()
}

/// Reads until something fails.
///
/// # Errors
/// When the bus or the store fails, or another replica took over.
pub(crate) async fn run(context: &Context) -> Result<(), Error> {
    let mut revised = context.revised.subscribe();
    let mut topics = read_topics(context).await?;
    let mut subscription = context.bus.subscribe(GROUP, &as_list(&topics)).await?;
    loop {
        tokio::select! {
            event = subscription.next() => handle(context, subscription.as_mut(), event?).await?,
            changed = revised.changed() => {
                // The sender lives in the context, which we hold.
                changed.expect("the context outlives its feed");
                let now = read_topics(context).await?;
                if now != topics {
                    topics = now;
                    subscription.resubscribe(&as_list(&topics)).await?;
                }
            }
        }
    }
}

async fn handle(context: &Context, subscription: &mut dyn Subscription, event: Event) -> Result<(), Error> {
    match event {
        Event::Assigned(assigned) => {
            for assigned in assigned {
                let offsets = load_offsets(&context.store, &assigned.partition.topic).await?;
                subscription.start(&assigned.partition, offsets.get(&assigned.partition.index).copied()).await?;
            }
        }
        Event::Records(records) => take(context, subscription, &records).await?,
        Event::Revoked(partitions) => subscription.released(&partitions),
        Event::Lost(_) => {}
    }
    Ok(())
}

async fn take(context: &Context, subscription: &mut dyn Subscription, records: &[Record]) -> Result<(), Error> {
    let found_names = view::fold(context, records).await?;
    context.folded.send_modify(|folds| *folds += 1);
    // For lag tools only; where we go on is stored with the effect.
    if let Err(error) = subscription.commit(positions(records)).await {
        tracing::debug!(error = chain(&error), "positions not committed to the bus");
    }
    if found_names {
        pins::follow_up(context).await?;
    }
    Ok(())
}

fn positions(records: &[Record]) -> Vec<(Partition, Committed)> {
    let mut next = std::collections::BTreeMap::new();
    for record in records {
        next.insert(record.at.partition.clone(), record.at.offset + 1);
    }
    next.into_iter().map(|(partition, next)| (partition, Committed { next, metadata: String::new() })).collect()
}

async fn read_topics(context: &Context) -> Result<BTreeSet<Topic>, Error> {
    let standing = resources::read(&context.store).await?;
    Ok(topics(&Configuration::new(0, standing.into_values().map(|resource: Resource| resource))))
}

fn as_list(topics: &BTreeSet<Topic>) -> Vec<Topic> {
    topics.iter().cloned().collect()
}
