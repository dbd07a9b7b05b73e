//! The jobs on one target: a bounded number, some places reserved for leavers. Dropping it drops the jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use xtsync_domain::link::Class;
use xtsync_store::Epoch;

use crate::error::Result;
use crate::job;
use crate::owned_target::breaker::Passage;
use crate::owned_target::{Capacity, OwnedTarget};
use crate::table::work::Due;
use crate::table::{Key, work};

/// Links taken from the queue at once. Who comes later and more urgent is looked for whenever the worker is woken.
const FETCHED_MAX: usize = 128;

/// Jobs under way.
#[derive(Default)]
pub(super) struct JobPool {
    jobs: JoinSet<Result<()>>,
    /// Whose job it is, and in which class it was taken.
    keys: HashMap<Id, (Key, Class)>,
    busy: HashSet<Key>,
    /// What is due and was fetched, by class.
    fetched: BTreeMap<Class, VecDeque<Due>>,
    /// Classes in which nothing more was due when they were looked through last.
    empty: BTreeSet<Class>,
}

impl JobPool {
    /// Takes due links while places are free, the highest class first. A link has one job at a time.
    pub(super) async fn fill(&mut self, owned: &Arc<OwnedTarget>, epoch: Epoch) -> Result<()> {
        let capacity = owned.capacity(owned.context.now());
        if self.fetched.values().all(VecDeque::is_empty) {
            self.rescan();
        }
        for class in Class::ALL {
            while self.has_slot(class, capacity) {
                let Some(due) = self.next(owned, class, capacity).await? else { break };
                if !self.busy.contains(&due.key) {
                    self.take(owned, epoch, class, due);
                }
            }
        }
        Ok(())
    }

    /// More may be due than was.
    pub(super) fn rescan(&mut self) {
        self.empty.clear();
    }

    /// The next link of a class, which may have a job already.
    async fn next(&mut self, owned: &OwnedTarget, class: Class, capacity: Capacity) -> Result<Option<Due>> {
        if self.is_worth_a_look(class) {
            self.fetch(owned, capacity).await?;
        }
        Ok(self.fetched.entry(class).or_default().pop_front())
    }

    /// Whether nothing of a class is fetched, and there may be something.
    fn is_worth_a_look(&self, class: Class) -> bool {
        self.fetched.get(&class).is_none_or(VecDeque::is_empty) && !self.empty.contains(&class)
    }

    /// Fetches what is due, of all classes at once that have a slot and nothing fetched.
    async fn fetch(&mut self, owned: &OwnedTarget, capacity: Capacity) -> Result<()> {
        let is_wanted = |class: &Class| self.is_worth_a_look(*class) && self.has_slot(*class, capacity);
        let classes: BTreeSet<Class> = Class::ALL.into_iter().filter(is_wanted).collect();
        // As many more as have jobs, since those are still due.
        let limit = FETCHED_MAX + self.jobs.len();
        let mut found = work::due(&owned.context.store, &owned.target, &classes, owned.context.now(), limit).await?;
        for class in classes {
            let due = found.remove(&class).unwrap_or_default();
            if due.len() < limit {
                self.empty.insert(class);
            }
            let free = due.into_iter().filter(|due| !self.busy.contains(&due.key));
            self.fetched.entry(class).or_default().extend(free);
        }
        Ok(())
    }

    /// Whether there is no job.
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The next job that is finished; `None` with empty pool.
    pub(super) async fn finished(&mut self) -> Option<Result<()>> {
        let (id, result) = match self.jobs.join_next_with_id().await? {
            Ok((id, result)) => (id, result),
            // A link that could not even be postponed stays marked as under way: nothing is done for it in this epoch.
            Err(error) => {
                tracing::error!(%error, "a link is left alone by this owner");
                // It stays busy, and takes no place.
                self.keys.remove(&error.id());
                return Some(Ok(()));
            }
        };
        if let Some((key, _)) = self.keys.remove(&id) {
            self.busy.remove(&key);
        }
        Some(result)
    }

    /// Whether one of this class may be taken. A quarter of the places is for users who lose access, and half of that for leavers alone, also
    /// where there are more jobs than places now. A target that is eased begins leavers, and no more of those who lost the scope
    /// than their half of that.
    fn has_slot(&self, class: Class, capacity: Capacity) -> bool {
        let reserved = capacity.slots.div_ceil(4);
        let (for_leavers, for_revoke) = (reserved.div_ceil(2), (reserved / 2).max(1));
        let in_flight = |of: Class| self.keys.values().filter(|(_, class)| *class == of).count();
        let losing_access = in_flight(Class::Leaver) + in_flight(Class::Revoke);
        let others = self.jobs.len() - losing_access;
        match (class, capacity.leavers, capacity.others) {
            (Class::Leaver, Passage::Free, _) => self.jobs.len() < capacity.slots || in_flight(Class::Leaver) < reserved,
            (Class::Revoke, Passage::Free, _) => {
                let has_slot_left = !capacity.is_leavers_only && self.jobs.len() < capacity.slots.saturating_sub(for_leavers);
                has_slot_left || in_flight(Class::Revoke) < for_revoke
            }
            (Class::Leaver | Class::Revoke, Passage::Probe, _) => losing_access == 0,
            (Class::Live | Class::Bulk, _, Passage::Free) => {
                !capacity.is_leavers_only && self.jobs.len() < (capacity.slots - reserved).max(1)
            }
            (Class::Live | Class::Bulk, _, Passage::Probe) => !capacity.is_leavers_only && others == 0,
            (Class::Leaver | Class::Revoke, Passage::Blocked, _) | (Class::Live | Class::Bulk, _, Passage::Blocked) => false,
        }
    }

    fn take(&mut self, owned: &Arc<OwnedTarget>, epoch: Epoch, class: Class, due: Due) {
        let key = due.key.clone();
        // It may have been fetched in two classes; what the other copy knows of the link will be past when this job has ended.
        self.fetched.values_mut().for_each(|fetched| fetched.retain(|other| other.key != key));
        let handle = self.jobs.spawn(run_catching_panic(Arc::clone(owned), epoch, due));
        self.busy.insert(key.clone());
        self.keys.insert(handle.id(), (key, class));
    }
}

/// Runs a job. One that panics puts its link off, or it would be due again at once, and panic again.
async fn run_catching_panic(owned: Arc<OwnedTarget>, epoch: Epoch, due: Due) -> Result<()> {
    // A task of its own, which a panic ends alone. It is dropped with this.
    let mut task = JoinSet::new();
    let (job_worker, key, was) = (Arc::clone(&owned), due.key.clone(), due.was);
    task.spawn(async move { job::run(&job_worker, epoch, due).await });
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => {
            tracing::error!(link = %key, %error, "a job panicked: this is a defect");
            owned.context.metrics.panicked(&owned.target);
            job::put_off_panicked(&owned, epoch, key, was).await
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JobPool with so many jobs of a class.
    fn pool_with(jobs: &[(Class, usize)]) -> JobPool {
        let mut pool = JobPool::default();
        for (class, count) in jobs {
            for _ in 0..*count {
                let key = Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: "ana".into() };
                let handle = pool.jobs.spawn(std::future::pending());
                pool.keys.insert(handle.id(), (key, *class));
            }
        }
        pool
    }

    #[tokio::test]
    async fn a_quarter_of_the_slots_is_for_leavers_even_when_all_slots_are_taken() {
        use Class::{Bulk, Leaver, Live, Revoke};
        for (jobs, class, slots, want) in [
            (&[(Bulk, 11)][..], Bulk, 16, true),
            (&[(Bulk, 12)], Live, 16, false),
            (&[(Bulk, 12)], Revoke, 16, true),
            (&[(Revoke, 16)], Revoke, 16, false),
            (&[(Bulk, 48)], Revoke, 16, true),
            (&[(Bulk, 48), (Revoke, 4)], Revoke, 16, false),
            (&[(Revoke, 14)], Revoke, 16, false),
            (&[(Revoke, 14)], Leaver, 16, true),
            (&[(Revoke, 64)], Leaver, 16, true),
            (&[(Revoke, 64), (Leaver, 3)], Leaver, 16, true),
            (&[(Revoke, 64), (Leaver, 4)], Leaver, 16, false),
            (&[(Bulk, 1)], Leaver, 1, true),
            (&[], Bulk, 1, true),
            (&[(Bulk, 1)], Revoke, 1, true),
        ] {
            assert_eq!(pool_with(jobs).has_slot(class, capacity(slots)), want, "{class:?} beside {jobs:?} in {slots}");
        }
        let leavers_only = Capacity { is_leavers_only: true, ..capacity(16) };
        assert!(!JobPool::default().has_slot(Bulk, leavers_only));
        assert!(JobPool::default().has_slot(Revoke, leavers_only));
        assert!(!pool_with(&[(Revoke, 2)]).has_slot(Revoke, leavers_only), "a warning leaves what room there is to leavers");
        assert!(pool_with(&[(Revoke, 2)]).has_slot(Leaver, leavers_only));
    }

    #[tokio::test]
    async fn one_link_probes_a_blocked_target_and_leavers_probe_for_themselves() {
        use Class::{Bulk, Leaver, Live, Revoke};
        use Passage::{Blocked, Free, Probe};
        for (jobs, class, leavers, others, want) in [
            (&[][..], Live, Free, Blocked, false),
            (&[], Revoke, Free, Blocked, true),
            (&[(Revoke, 3)], Revoke, Free, Blocked, true),
            (&[(Revoke, 3)], Live, Free, Probe, true),
            (&[(Bulk, 1)], Live, Free, Probe, false),
            (&[(Bulk, 1)], Revoke, Probe, Probe, true),
            (&[(Revoke, 1)], Revoke, Probe, Free, false),
            (&[], Revoke, Blocked, Free, false),
            (&[(Revoke, 3)], Leaver, Free, Blocked, true),
            (&[], Leaver, Blocked, Free, false),
        ] {
            let capacity = Capacity { leavers, others, ..capacity(16) };
            assert_eq!(pool_with(jobs).has_slot(class, capacity), want, "{class:?} beside {jobs:?}, {leavers:?} and {others:?}");
        }
    }

    fn capacity(slots: usize) -> Capacity {
        Capacity { slots, leavers: Passage::Free, others: Passage::Free, is_leavers_only: false, next_change: None }
    }
}
