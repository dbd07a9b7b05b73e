//! What a tenant publishes, how much of it waits, and which round is told as complete: one of which the bus has heard everything.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::debug;
use xtsync_bus::ROOM_LOOK;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::Clock;
use xtsync_runtime::telemetry::chain;

use super::Tenant;
use crate::error::Error;
use crate::full::{Full, FullPhase};
use crate::mirror;
use crate::publication::Published;

/// The most portions published before something else is looked at.
const PORTIONS_MAX: usize = 10;

/// How often freshness is said at most while nothing changes.
const FRESHNESS_EVERY: Duration = Duration::from_secs(1);

impl Tenant {
    /// The last round of which the bus has heard everything.
    pub(crate) fn round(&self) -> u64 {
        self.on_bus
    }

    /// Notes that the bus has heard everything of the cycles so far. While everything must be read first, because the cursors were void or
    /// ask for too little, a cycle says little: then what changed before it may still be in the rest of that.
    pub(super) fn note_on_bus(&mut self) {
        let is_missing_much = |full: &Full| full.adopts && full.phase != FullPhase::Clear;
        if !self.reading.full.as_ref().is_some_and(is_missing_much) {
            self.on_bus = self.reading.round;
        }
    }

    /// About how many users wait to be published.
    pub(crate) fn lag(&self) -> u64 {
        self.behind
    }

    /// Publishes what is due until then, while nothing else can be done.
    pub(crate) async fn publish_until(&mut self, end: Instant, clock: &dyn Clock) {
        while self.owes && Instant::now() < end {
            match self.publish(clock.now()).await {
                Ok(Published::Waits) => sleep_until(end.min(Instant::now() + ROOM_LOOK)).await,
                Ok(Published::All | Published::Some) => {}
                Err(error) => return debug!(tenant = %self.name, error = chain(&error), "what is due waits"),
            }
        }
    }

    /// Notes that the bus may not have heard the newest of somebody, who may be urgent.
    pub(super) fn owe(&mut self) {
        (self.owes, self.is_bulk) = (true, false);
    }

    /// Publishes some of what is due.
    pub(super) async fn publish(&mut self, now: Timestamp) -> Result<Published, Error> {
        // While nothing is added to bulk that waits, only the way is looked at, which all tenants of this process share.
        let mut has_room = self.is_bulk && self.bus.has_room(&self.order.way).await;
        if self.is_bulk && !has_room {
            return Ok(Published::Waits);
        }
        let mut published = Published::Some;
        for _ in 0..PORTIONS_MAX {
            let count;
            (published, count) = self.press().users(&self.order.way, std::mem::take(&mut has_room), now).await?;
            self.is_bulk = published == Published::Waits;
            self.owes = published != Published::All;
            self.metrics.published(&self.name, count);
            self.behind = self.behind.saturating_sub(count as u64);
            if published != Published::Some {
                break;
            }
        }
        match published {
            Published::All => {
                self.behind = 0;
                self.note_on_bus();
                self.say_fresh(now).await?;
            }
            // Counted once, since there may be very many.
            Published::Waits if self.behind == 0 => self.behind = mirror::unpublished_count(&self.store, &self.name).await?,
            Published::Waits | Published::Some => {}
        }
        Ok(published)
    }

    /// Says that a round is complete: what it found is on the bus.
    async fn say_fresh(&mut self, now: Timestamp) -> Result<(), Error> {
        let Some((round, completed)) = self.fresh else { return Ok(()) };
        let fact = self.facts.freshness(round, completed);
        self.say(vec![fact], now).await?;
        (self.fresh, self.freshness_due) = (None, now.plus(FRESHNESS_EVERY));
        Ok(())
    }
}
