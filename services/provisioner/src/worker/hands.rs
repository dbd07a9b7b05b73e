//! What one worker has in hand: a bounded number of jobs, some places kept for leavers. Dropping it drops the jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use xtsync_domain::link::Class;
use xtsync_platform::store::Epoch;

use super::Worker;
use crate::error::Result;
use crate::job;
use crate::table::work::Due;
use crate::table::{Key, work};

/// Links taken from the queue at once. Who comes later and more urgent is looked for whenever the worker is woken.
const FETCHED_MAX: usize = 128;

/// Jobs under way.
#[derive(Default)]
pub(super) struct Hands {
    jobs: JoinSet<Result<()>>,
    keys: HashMap<Id, Key>,
    busy: HashSet<Key>,
    /// What is due and was fetched, by class.
    fetched: BTreeMap<Class, VecDeque<Due>>,
    /// Classes in which nothing more was due when they were looked through last.
    empty: BTreeSet<Class>,
}

impl Hands {
    /// Takes due links while places are free, the highest class first. A link is in one hand at a time.
    pub(super) async fn fill(&mut self, worker: &Arc<Worker>, epoch: Epoch) -> Result<()> {
        let slots = worker.slots(worker.context.now());
        if self.fetched.values().all(VecDeque::is_empty) {
            self.look_again();
        }
        for class in Class::ALL {
            let places = if worker.is_stopped(class) { 0 } else { places(class, slots) };
            while self.jobs.len() < places {
                let Some(due) = self.next(worker, class).await? else { break };
                if !self.busy.contains(&due.key) {
                    self.take(worker, epoch, due);
                }
            }
        }
        Ok(())
    }

    /// More may be due than was.
    pub(super) fn look_again(&mut self) {
        self.empty.clear();
    }

    /// The next link of a class, which may be in hand.
    async fn next(&mut self, worker: &Worker, class: Class) -> Result<Option<Due>> {
        let fetched = self.fetched.entry(class).or_default();
        if fetched.is_empty() && !self.empty.contains(&class) {
            // As many more as are in hand, since those are still due.
            let limit = FETCHED_MAX + self.jobs.len();
            let due = work::due(&worker.context.store, &worker.target, class, worker.context.now(), limit).await?;
            if due.len() < limit {
                self.empty.insert(class);
            }
            fetched.extend(due.into_iter().filter(|due| !self.busy.contains(&due.key)));
        }
        Ok(fetched.pop_front())
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

    fn take(&mut self, worker: &Arc<Worker>, epoch: Epoch, due: Due) {
        let key = due.key.clone();
        // It may have been fetched in two classes; what the other copy knows of the link will be past when this job has ended.
        self.fetched.values_mut().for_each(|fetched| fetched.retain(|other| other.key != key));
        let handle = self.jobs.spawn(see_through(Arc::clone(worker), epoch, due));
        self.busy.insert(key.clone());
        self.keys.insert(handle.id(), key);
    }
}

/// Runs a job. One that panics puts its link off, or it would be due again at once, and panic again.
async fn see_through(worker: Arc<Worker>, epoch: Epoch, due: Due) -> Result<()> {
    // A task of its own, which a panic ends alone. It is dropped with this.
    let mut task = JoinSet::new();
    let (job_worker, key) = (Arc::clone(&worker), due.key.clone());
    task.spawn(async move { job::run(&job_worker, epoch, due).await });
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

/// How many jobs there may be when one of this class is taken: a quarter of the places is kept for leavers.
fn places(class: Class, slots: usize) -> usize {
    match class {
        Class::Revoke => slots,
        // A single slot finds out whether the target answers again: nothing is kept of it.
        Class::Live | Class::Bulk if slots <= 1 => slots,
        Class::Live | Class::Bulk => slots - slots.div_ceil(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_places_are_kept_for_leavers() {
        for (class, slots, want) in [
            (Class::Revoke, 16, 16),
            (Class::Live, 16, 12),
            (Class::Bulk, 16, 12),
            (Class::Bulk, 2, 1),
            (Class::Bulk, 1, 1),
            (Class::Revoke, 0, 0),
        ] {
            assert_eq!(places(class, slots), want);
        }
    }
}
