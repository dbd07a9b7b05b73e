//! What one worker has in hand: a bounded number of jobs, some places kept for leavers. Dropping it drops the jobs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use xtsync_domain::link::Class;
use xtsync_platform::store::Epoch;

use super::Worker;
use crate::error::Result;
use crate::job;
use crate::table::{Key, work};

/// Jobs under way.
#[derive(Default)]
pub(super) struct Hands {
    jobs: JoinSet<Result<()>>,
    keys: HashMap<Id, Key>,
    busy: HashSet<Key>,
}

impl Hands {
    /// Takes due links while places are free, the highest class first. A link is in one hand at a time.
    pub(super) async fn fill(&mut self, worker: &Arc<Worker>, epoch: Epoch) -> Result<()> {
        let now = worker.context.now();
        let slots = worker.slots(now);
        for class in Class::ALL {
            let places = places(class, slots, worker.context.config.in_flight_for_revoke);
            if self.jobs.len() >= places {
                continue;
            }
            // As many more as are in hand, since those are still due.
            for key in work::due(&worker.context.store, &worker.target, class, now, places).await? {
                if self.jobs.len() < places && !self.busy.contains(&key) {
                    self.take(worker, epoch, key);
                }
            }
        }
        Ok(())
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The next job that is finished; `None` with empty hands.
    pub(super) async fn finished(&mut self) -> Option<Result<()>> {
        let (id, result) = match self.jobs.join_next_with_id().await? {
            Ok((id, result)) => (id, result),
            // A link that could not even be put off stays in hand: nothing is done for it in this epoch.
            Err(error) => {
                tracing::error!(%error, "a link is left alone by this owner");
                return Some(Ok(()));
            }
        };
        if let Some(key) = self.keys.remove(&id) {
            self.busy.remove(&key);
        }
        Some(result)
    }

    fn take(&mut self, worker: &Arc<Worker>, epoch: Epoch, key: Key) {
        let handle = self.jobs.spawn(see_through(Arc::clone(worker), epoch, key.clone()));
        self.busy.insert(key.clone());
        self.keys.insert(handle.id(), key);
    }
}

/// Runs a job. One that panics puts its link off, or it would be due again at once, and panic again.
async fn see_through(worker: Arc<Worker>, epoch: Epoch, key: Key) -> Result<()> {
    // A task of its own, which a panic ends alone. It is dropped with this.
    let mut task = JoinSet::new();
    let (job_worker, job_key) = (Arc::clone(&worker), key.clone());
    task.spawn(async move { job::run(&job_worker, epoch, job_key).await });
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => {
            tracing::error!(link = %key, %error, "a job panicked: this is a defect");
            worker.context.metrics.panicked(&worker.target);
            job::put_off_panicked(&worker, epoch, key).await
        }
        None => Ok(()),
    }
}

/// How many jobs there may be when one of this class is taken.
fn places(class: Class, slots: usize, kept_for_revoke: usize) -> usize {
    match class {
        Class::Revoke => slots,
        // A single slot finds out whether the target answers again: nothing is kept of it.
        Class::Live | Class::Bulk if slots <= kept_for_revoke => slots,
        Class::Live | Class::Bulk => slots - kept_for_revoke,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_places_are_kept_for_leavers() {
        for (class, slots, want) in
            [(Class::Revoke, 16, 16), (Class::Live, 16, 12), (Class::Bulk, 16, 12), (Class::Bulk, 1, 1), (Class::Revoke, 0, 0)]
        {
            assert_eq!(places(class, slots, 4), want);
        }
    }
}
