//! Feeds the read model from the bus: the topics of every tenant, from where the store says.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use xtsync_bus::{Record, Topic, Wanted};
use xtsync_contract::topic;
use xtsync_domain::configuration::Configuration;
use xtsync_service::consumer::{Consumer, positions};

use crate::context::Context;
use crate::{Error, directories, resolve, resources, view};

/// The group under which lag tools find control. Where it reads from is kept in its store.
const GROUP: &str = "xtsync-control";

/// How long it rests after a batch: the first of a burst is seen at once, the others come together, and share a transaction.
const REST: Duration = Duration::from_millis(50);

/// The topics that the read model is made of.
pub(crate) fn topics(configuration: &Configuration) -> BTreeSet<Topic> {
    let of_tenants = configuration.tenants().flat_map(|(tenant, _)| topic::of_tenant(tenant));
    of_tenants.chain([topic::STATUS.topic()]).collect()
}

/// Reads until something fails.
///
/// # Errors
/// When the bus or the store fails, or another replica took over.
pub(crate) async fn run(context: &Context) -> Result<(), Error> {
    let mut revised = context.revised.subscribe();
    let mut wanted = wanted(context).await?;
    let mut consumer = Consumer::new(&context.store, &context.bus, GROUP);
    loop {
        consumer.turn(&wanted).await?;
        match consumer.missing() {
            Some(missing) => context.topics.set(false, missing.to_string()),
            None => context.topics.set(true, ""),
        }
        tokio::select! {
            event = consumer.next() => if let Some(event) = event? {
                let records = consumer.handle(event).await?;
                take(context, &mut consumer, &records).await?;
            },
            changed = revised.changed() => {
                // The sender lives in the context, which we hold.
                changed.expect("the context outlives its feed");
                wanted = self::wanted(context).await?;
            }
        }
    }
}

async fn take(context: &Context, consumer: &mut Consumer, records: &[Record]) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let news = view::fold(context, records).await?;
    context.folded.send_modify(|folds| *folds += 1);
    consumer.commit(positions(records)).await;
    if news.names {
        resolve::follow_up(context).await?;
    }
    if news.identities {
        directories::follow_up(context).await?;
    }
    sleep(REST).await;
    Ok(())
}

async fn wanted(context: &Context) -> Result<Wanted, Error> {
    let standing = resources::read(&context.store).await?;
    let topics = topics(&Configuration::new(0, standing.into_values()));
    Ok(topics.into_iter().map(|topic| (topic, Vec::new())).collect())
}
