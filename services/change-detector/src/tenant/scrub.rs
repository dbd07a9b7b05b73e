//! The scrub: what is published of a tenant is told again, a piece at a time, when nothing else is to be done.
//!
//! Users go out under the version and with the state that they have, with origin scrub, which is backlog to everybody; at its beginning
//! the facts that are told of only when they change. Who has been gone for long is told no more: his key ends, and the mirror forgets him.

use std::time::Duration;

use xtsync_domain::Timestamp;
use xtsync_store::scrub::{PAUSE, PIECE, Scrub};

use super::Tenant;
use crate::error::Error;
use crate::mirror;

/// How often the store is asked at most whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Tenant {
    /// Tells a piece again, if it is time. Gives when the next one is due, while there is more.
    pub(super) async fn scrub(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        if now < self.scrub_due {
            return Ok(self.is_scrubbing.then_some(self.scrub_due));
        }
        let Some(scrub) = Scrub::due(&self.store, &self.name, self.pace.scrub, now).await? else {
            (self.is_scrubbing, self.scrub_due) = (false, now.plus(LOOK_EVERY));
            return Ok(None);
        };
        if !self.bus.has_room(&self.order.way).await {
            (self.is_scrubbing, self.scrub_due) = (true, now.plus(PAUSE));
            return Ok(Some(self.scrub_due));
        }
        let press = self.press();
        if scrub.is_fresh() {
            press.facts(&self.facts.all_said(), now).await?;
        }
        let users = mirror::published_after(&self.store, &self.name, scrub.after(), now.minus(self.pace.forget)).await?;
        let over: Vec<_> = users.iter().filter(|user| user.value.is_none()).map(|user| (user.id.clone(), user.version)).collect();
        let (count, last) = (users.len(), users.last().map(|user| user.id.to_string()));
        press.again(users, now).await?;
        let last = last.filter(|_| count == PIECE);
        let mut tx = self.begin().await?;
        // Only now: a key whose end nobody has heard is ended once more.
        mirror::forget(&mut tx, &self.name, &over).await?;
        scrub.came_to(&mut tx, last.as_deref()).await?;
        tx.commit().await?;
        self.metrics.republished(&self.name, count);
        (self.is_scrubbing, self.scrub_due) = (last.is_some(), now.plus(PAUSE));
        Ok(last.map(|_| self.scrub_due))
    }
}
