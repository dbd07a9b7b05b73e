//! What a tenant publishes, how much of it waits, and which cycle is published as complete: one whose every change is on the bus.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::debug;
use xtsync_bus::CAPACITY_CHECK_INTERVAL;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::telemetry::chain;

use super::Tenant;
use crate::error::Error;
use crate::full::{Full, FullPhase};
use crate::mirror;
use crate::publisher::Published;

/// The most portions published before something else is looked at.
const PUBLISH_BATCHES_MAX: usize = 10;

/// How often freshness is said at most while nothing changes.
const FRESHNESS_INTERVAL: Duration = Duration::from_secs(1);

/// What of a tenant is not on the bus yet.
#[derive(Debug)]
pub(super) struct Publication {
    /// Whether the bus may not have a user's newest version.
    pub(super) has_unpublished: bool,
    /// Whether all that waits to be published is bulk.
    pub(super) is_bulk: bool,
    /// About how many users wait for room to be published.
    unpublished_count: u64,
    /// The last cycle of which the bus has heard everything.
    published_cycle: u64,
    /// A complete cycle that is still to be published, with when it was complete.
    pub(super) unpublished_cycle: Option<(u64, Timestamp)>,
    /// When freshness is published next while nothing changes.
    pub(super) freshness_due: Timestamp,
}

impl Default for Publication {
    fn default() -> Self {
        Self {
            has_unpublished: true,
            is_bulk: false,
            unpublished_count: 0,
            published_cycle: 0,
            unpublished_cycle: None,
            freshness_due: Timestamp(0),
        }
    }
}

impl Tenant {
    /// The last cycle of which every change is published.
    pub(crate) fn published_cycle(&self) -> u64 {
        self.publication.published_cycle
    }

    /// Records that every change of the cycles so far is published. While everything must be read first, because the cursors were void or
    /// ask for too little, a cycle says little: then what changed before it may still be in the rest of that.
    pub(super) fn note_published_cycle(&mut self) {
        let is_missing_much = |full: &Full| full.replaces_cursors && full.phase != FullPhase::Clear;
        if !self.sync_state.full.as_ref().is_some_and(is_missing_much) {
            self.publication.published_cycle = self.sync_state.cycle;
        }
    }

    /// About how many users wait to be published.
    pub(crate) fn lag(&self) -> u64 {
        self.publication.unpublished_count
    }

    /// Publishes what is due until then, while nothing else can be done.
    pub(crate) async fn publish_until(&mut self, end: Instant, clock: &dyn Clock) {
        while self.publication.has_unpublished && Instant::now() < end {
            match self.publish(clock.now()).await {
                Ok(Published::NoCapacity) => sleep_until(end.min(Instant::now() + CAPACITY_CHECK_INTERVAL)).await,
                Ok(Published::All | Published::Some) => {}
                Err(error) => return debug!(tenant = %self.name, error = chain(&error), "what is due waits"),
            }
        }
    }

    /// Records that the bus may not have a user's newest version, which may be urgent.
    pub(super) fn note_unpublished(&mut self) {
        (self.publication.has_unpublished, self.publication.is_bulk) = (true, false);
    }

    /// Publishes some of what is due.
    pub(super) async fn publish(&mut self, now: Timestamp) -> Result<Published, Error> {
        // While nothing is added to bulk that waits, only the way is looked at, which all tenants of this process share.
        let mut has_capacity = self.publication.is_bulk && self.bus.capacity(&self.spec.downstream).await > 0;
        if self.publication.is_bulk && !has_capacity {
            return Ok(Published::NoCapacity);
        }
        let mut published = Published::Some;
        for _ in 0..PUBLISH_BATCHES_MAX {
            let count;
            (published, count) = self.publisher().users(&self.spec.downstream, std::mem::take(&mut has_capacity), now).await?;
            self.publication.is_bulk = published == Published::NoCapacity;
            self.publication.has_unpublished = published != Published::All;
            self.metrics.published(&self.name, count);
            self.publication.unpublished_count = self.publication.unpublished_count.saturating_sub(count as u64);
            if published != Published::Some {
                break;
            }
        }
        match published {
            Published::All => {
                self.publication.unpublished_count = 0;
                self.note_published_cycle();
                self.publish_freshness(now).await;
            }
            // Counted once, since there may be very many.
            Published::NoCapacity if self.publication.unpublished_count == 0 => {
                self.publication.unpublished_count = mirror::unpublished_count(&self.store, &self.name).await?
            }
            Published::NoCapacity | Published::Some => {}
        }
        Ok(published)
    }

    /// Says that a cycle is complete: what it found is on the bus.
    async fn publish_freshness(&mut self, now: Timestamp) {
        let Some((cycle, completed)) = self.publication.unpublished_cycle else { return };
        let fact = self.facts.published.freshness(cycle, completed);
        // It is a heartbeat too.
        self.publisher().repeat(std::slice::from_ref(&fact), now).await;
        self.facts.published.note_published(vec![fact]);
        (self.publication.unpublished_cycle, self.publication.freshness_due) = (None, now.plus(FRESHNESS_INTERVAL));
    }
}
