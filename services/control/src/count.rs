//! Counts the users and links of each synchronization for the gauges, once at first and again after a change. Counting a large tenant is slow,
//! so it takes at most a tenth of the time.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use xtsync_domain::configuration::Configuration;

use crate::context::Context;
use crate::counted::Counted;
use crate::gauges::ResetOnDrop;
use crate::status::numbers;
use crate::{Error, resources};

/// The minimum interval between two counts.
const COUNT_INTERVAL: Duration = Duration::from_secs(5);

/// The pause after a count is this many times longer than the count.
const INTERVAL_FACTOR: u32 = 10;

/// Counts after changes, at intervals, until an error occurs.
///
/// # Errors
/// If the store fails.
pub(crate) async fn run(context: &Context) -> Result<(), Error> {
    let gauges = ResetOnDrop(context.metrics.gauges());
    let (mut numbers, mut revision) = (context.numbers.subscribe(), context.published_revision.subscribe());
    loop {
        numbers.mark_unchanged();
        revision.mark_unchanged();
        let began = Instant::now();
        gauges.0.set(count(context).await?);
        sleep(COUNT_INTERVAL.max(began.elapsed() * INTERVAL_FACTOR)).await;
        // The context owns both senders.
        tokio::select! {
            _ = numbers.changed() => {}
            _ = revision.changed() => {}
        }
    }
}

/// Counts the users and links of every synchronization.
async fn count(context: &Context) -> Result<Vec<Counted>, Error> {
    let stored = resources::read(&context.store).await?;
    let configuration = Configuration::new(0, stored.into_values());
    let mut numbers = numbers::read(&context.store, context.clock.now()).await?;
    Ok(configuration.synchronizations().map(|one| Counted::of(one, &numbers.take(&one.source, &one.spec.to))).collect())
}
