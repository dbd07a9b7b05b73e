//! One step of a tenant's detection: a bounded thing of each kind that is due, the urgent ones first.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use xtsync_bus::CAPACITY_CHECK_INTERVAL;
use xtsync_domain::Timestamp;
use xtsync_runtime::clock::Clock;

use super::failure::Failure;
use super::{Pause, Tenant};
use crate::error::Error;
use crate::publisher::Published;
use crate::sync_state::Phase;

/// The longest pause while an answer of the directory is awaited, which ends it.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

impl Tenant {
    /// Does one bounded thing of each kind that is due. Only a cycle waits for the directory.
    pub(crate) async fn step(&mut self, now: Timestamp) -> Result<Pause, Error> {
        // With each cycle also what a former owner published too late.
        let publishes = self.publication.has_unpublished || self.cycle.is_triggered || now >= self.cycle.due;
        self.publication.is_bulk &= now < self.cycle.due && !self.cycle.is_triggered;
        let published = if publishes { self.publish(now).await? } else { Published::All };
        let is_answered = self.use_answer(now).await?;
        let worked = if self.spec.users.is_some() && !self.is_other_directory() { self.work(now).await } else { Ok(false) };
        // Also where cycles fail: what is not known fresh closes the gate.
        self.ask(now);
        let is_worked = worked?;
        if published == Published::Some || is_answered || is_worked {
            return Ok(Pause::None);
        }
        if !self.can_read() {
            return Ok(Pause::Until(self.facts_wake(now)));
        }
        let idle = self.idle_until(now);
        if self.publication.has_unpublished {
            return Ok(Pause::Until(idle.min(now.plus(CAPACITY_CHECK_INTERVAL))));
        }
        Ok(Pause::Until(self.republish(now).await?.map_or(idle, |piece| piece.min(idle))))
    }

    /// Whether there are users to read, in the tenant's own directory.
    pub(super) fn can_read(&self) -> bool {
        self.spec.users.is_some() && self.facts.identity.is_some() && !self.is_other_directory()
    }

    /// Goes on with the cycle and with what is stored of it and of the full read. True when there is more to do at once.
    async fn work(&mut self, now: Timestamp) -> Result<bool, Error> {
        if !self.identify(now).await? {
            return Ok(false);
        }
        self.begin_requested_resync(now).await?;
        self.drop_listings().await?;
        let mut worked = self.do_pending(now).await?;
        worked |= self.reproject(now).await?;
        worked |= self.step_cycle(now).await?;
        // A cycle of many pages goes first; a full read goes on when it is over.
        let is_taking_over = self.sync_state.full.as_ref().is_some_and(|full| full.phase.is_taking_over());
        if self.sync_state.phase == Phase::Idle || (self.sync_state.phase == Phase::Projecting && is_taking_over) {
            worked |= self.full_step(now).await?;
        }
        Ok(worked)
    }

    /// Waits after a failure, at most until the directory answers; true then. What was found before is published meanwhile, and facts are asked
    /// for: what is not known fresh closes the gate. It may be dropped at any time.
    pub(crate) async fn pause_until(&mut self, end: Instant, clock: &dyn Clock) -> bool {
        while Instant::now() < end {
            self.publish_until(end, clock).await;
            let now = clock.now();
            self.ask_facts(now);
            let wake = end.min(Instant::now() + self.facts_wake(now).since(now));
            if timeout_at(wake, self.answered()).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Until when there are no facts to read.
    fn facts_wake(&self, now: Timestamp) -> Timestamp {
        if self.is_asking() { now.plus(ANSWER_WAIT_MAX) } else { self.facts.due }
    }

    /// Until when there is nothing to read.
    fn idle_until(&self, now: Timestamp) -> Timestamp {
        let mut idle = self.facts_wake(now);
        if self.sync_state.is_incremental() {
            let due = if self.cycle.is_triggered { now } else { self.cycle.due };
            idle = idle.min(self.failures.cycle.as_ref().map_or(due, |failure: &Failure| failure.next_try.max(due)));
        }
        for failure in [&self.failures.full, &self.failures.void].into_iter().flatten() {
            if self.sync_state.full.is_some() && failure.next_try > now {
                idle = idle.min(failure.next_try);
            }
        }
        idle
    }
}
