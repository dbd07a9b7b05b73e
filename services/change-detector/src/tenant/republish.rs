//! Republishes the state of a tenant in batches when nothing else is to be done.
//!
//! Users go out under the version and with the state that they have, with the origin republish, which consumers treat as backlog; at the
//! beginning the facts that are published only when they change. Of a user deleted long ago the key ends, and the mirror forgets them.

use std::time::Duration;

use xtsync_domain::Timestamp;
use xtsync_store::republish::{BATCH_INTERVAL, BATCH_ROWS, Republication};

use super::Tenant;
use crate::error::Error;
use crate::mirror;

/// How often the store is asked whether it is time, and how often at most where triggers come: one may be an administrator's request.
const REPUBLISH_CHECK_INTERVAL: Duration = Duration::from_secs(5 * 60);
const REPUBLISH_CHECK_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// When the state of a tenant is republished.
#[derive(Debug, Default)]
pub(super) struct Republishing {
    /// Whether a republication is under way.
    pub(super) is_under_way: bool,
    /// Whether it may have been requested since it was checked last.
    pub(super) is_triggered: bool,
    /// When it was checked last.
    checked_at: Timestamp,
    /// When that is checked next, or the next batch is due.
    due: Timestamp,
}

impl Republishing {
    fn due(&self) -> Timestamp {
        let triggered = self.checked_at.plus(REPUBLISH_CHECK_INTERVAL_MIN);
        if self.is_triggered { self.due.min(triggered) } else { self.due }
    }
}

impl Tenant {
    /// Republishes one batch if it is due. Returns when the next one is due, while there is more.
    pub(super) async fn republish(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let due = self.republishing.due();
        if now < due {
            return Ok((self.republishing.is_under_way || self.republishing.is_triggered).then_some(due));
        }
        (self.republishing.is_triggered, self.republishing.checked_at) = (false, now);
        let Some(republisher) = Republication::due(&self.store, &self.name, self.intervals.republish, now).await? else {
            (self.republishing.is_under_way, self.republishing.due) = (false, now.plus(REPUBLISH_CHECK_INTERVAL));
            return Ok(None);
        };
        if self.bus.capacity(&self.spec.downstream).await == 0 {
            (self.republishing.is_under_way, self.republishing.due) = (true, now.plus(BATCH_INTERVAL));
            return Ok(Some(self.republishing.due));
        }
        let publisher = self.publisher();
        if republisher.is_at_start() {
            publisher.facts(&self.facts.published.all_published(), now).await?;
        }
        let users = mirror::published_after(&self.store, &self.name, republisher.after(), now.minus(self.intervals.forget)).await?;
        let over: Vec<_> = users.iter().filter(|user| user.value.is_none()).map(|user| (user.id.clone(), user.version)).collect();
        let (count, last) = (users.len(), users.last().map(|user| user.id.to_string()));
        publisher.republish(users, now).await?;
        let last = last.filter(|_| count == BATCH_ROWS);
        let mut tx = self.begin().await?;
        // Only now: a key whose end was not published is ended once more.
        mirror::forget(&mut tx, &self.name, &over).await?;
        republisher.advance(&mut tx, last.as_deref()).await?;
        tx.commit().await?;
        self.metrics.republished(&self.name, count);
        (self.republishing.is_under_way, self.republishing.due) = (last.is_some(), now.plus(BATCH_INTERVAL));
        Ok(last.map(|_| self.republishing.due))
    }
}
