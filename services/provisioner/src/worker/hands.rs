//! What one worker has in hand: a bounded number of jobs, some places kept for leavers. Dropping it drops the jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinSet};
use xtsync_domain::Timestamp;
use xtsync_domain::link::Class;
use xtsync_store::Epoch;

use super::Worker;
use super::breaker::Passage;
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
    /// Whose job it is, and in which class it was taken.
    keys: HashMap<Id, (Key, Class)>,
    busy: HashSet<Key>,
    /// What is due and was fetched, by class.
    fetched: BTreeMap<Class, VecDeque<Due>>,
    /// Classes in which nothing more was due when they were looked through last.
    empty: BTreeSet<Class>,
}

/// How many links may be worked on at once, and of whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// By the concurrency limit.
    pub(super) slots: usize,
    /// By the circuit breaker: those whose users lose access, and the others.
    pub(super) leavers: Passage,
    pub(super) others: Passage,
    /// Whether only leavers are begun for a moment.
    pub(super) is_eased: bool,
    /// When there may be more room than now.
    pub(super) rests_until: Option<Timestamp>,
}

impl Hands {
    /// Takes due links while places are free, the highest class first. A link is in one hand at a time.
    pub(super) async fn fill(&mut self, worker: &Arc<Worker>, epoch: Epoch) -> Result<()> {
        let room = worker.room(worker.context.now());
        if self.fetched.values().all(VecDeque::is_empty) {
            self.look_again();
        }
        for class in Class::ALL {
            while self.has_place(class, room) {
                let Some(due) = self.next(worker, class).await? else { break };
                if !self.busy.contains(&due.key) {
                    self.take(worker, epoch, class, due);
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
    /// where more are in hand than there are places now. A target that is eased begins leavers, and no more of those who lost the scope
    /// than their half of that.
    fn has_place(&self, class: Class, room: Room) -> bool {
        let kept = room.slots.div_ceil(4);
        let (for_leavers, for_revoke) = (kept.div_ceil(2), (kept / 2).max(1));
        let in_hand = |of: Class| self.keys.values().filter(|(_, class)| *class == of).count();
        let losing = in_hand(Class::Leaver) + in_hand(Class::Revoke);
        let others = self.jobs.len() - losing;
        match (class, room.leavers, room.others) {
            (Class::Leaver, Passage::Free, _) => self.jobs.len() < room.slots || in_hand(Class::Leaver) < kept,
            (Class::Revoke, Passage::Free, _) => {
                let has_room = !room.is_eased && self.jobs.len() < room.slots.saturating_sub(for_leavers);
                has_room || in_hand(Class::Revoke) < for_revoke
            }
            (Class::Leaver | Class::Revoke, Passage::Probe, _) => losing == 0,
            (Class::Live | Class::Bulk, _, Passage::Free) => !room.is_eased && self.jobs.len() < (room.slots - kept).max(1),
            (Class::Live | Class::Bulk, _, Passage::Probe) => !room.is_eased && others == 0,
            (Class::Leaver | Class::Revoke, Passage::Shut, _) | (Class::Live | Class::Bulk, _, Passage::Shut) => false,
        }
    }

    fn take(&mut self, worker: &Arc<Worker>, epoch: Epoch, class: Class, due: Due) {
        let key = due.key.clone();
        // It may have been fetched in two classes; what the other copy knows of the link will be past when this job has ended.
        self.fetched.values_mut().for_each(|fetched| fetched.retain(|other| other.key != key));
        let handle = self.jobs.spawn(see_through(Arc::clone(worker), epoch, due));
        self.busy.insert(key.clone());
        self.keys.insert(handle.id(), (key, class));
    }
}

/// Runs a job. One that panics puts its link off, or it would be due again at once, and panic again.
async fn see_through(worker: Arc<Worker>, epoch: Epoch, due: Due) -> Result<()> {
    // A task of its own, which a panic ends alone. It is dropped with this.
    let mut task = JoinSet::new();
    let (job_worker, key, was) = (Arc::clone(&worker), due.key.clone(), due.was);
    task.spawn(async move { job::run(&job_worker, epoch, due).await });
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => {
            tracing::error!(link = %key, %error, "a job panicked: this is a defect");
            worker.context.metrics.panicked(&worker.target);
            job::put_off_panicked(&worker, epoch, key, was).await
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands with so many jobs of a class.
    fn holding(jobs: &[(Class, usize)]) -> Hands {
        let mut hands = Hands::default();
        for (class, count) in jobs {
            for _ in 0..*count {
                let key = Key { target: "hub".parse().unwrap(), source: "emea".parse().unwrap(), user: "ana".into() };
                let handle = hands.jobs.spawn(std::future::pending());
                hands.keys.insert(handle.id(), (key, *class));
            }
        }
        hands
    }

    #[tokio::test]
    async fn a_quarter_of_the_places_is_for_leavers_also_where_more_are_in_hand_than_there_are_places() {
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
            assert_eq!(holding(jobs).has_place(class, room(slots)), want, "{class:?} beside {jobs:?} in {slots}");
        }
        let eased = Room { is_eased: true, ..room(16) };
        assert!(!Hands::default().has_place(Bulk, eased));
        assert!(Hands::default().has_place(Revoke, eased));
        assert!(!holding(&[(Revoke, 2)]).has_place(Revoke, eased), "a warning leaves what room there is to leavers");
        assert!(holding(&[(Revoke, 2)]).has_place(Leaver, eased));
    }

    #[tokio::test]
    async fn one_finds_out_whether_a_target_that_was_set_aside_can_be_called_and_leavers_for_themselves() {
        use Class::{Bulk, Leaver, Live, Revoke};
        use Passage::{Free, Probe, Shut};
        for (jobs, class, leavers, others, want) in [
            (&[][..], Live, Free, Shut, false),
            (&[], Revoke, Free, Shut, true),
            (&[(Revoke, 3)], Revoke, Free, Shut, true),
            (&[(Revoke, 3)], Live, Free, Probe, true),
            (&[(Bulk, 1)], Live, Free, Probe, false),
            (&[(Bulk, 1)], Revoke, Probe, Probe, true),
            (&[(Revoke, 1)], Revoke, Probe, Free, false),
            (&[], Revoke, Shut, Free, false),
            (&[(Revoke, 3)], Leaver, Free, Shut, true),
            (&[], Leaver, Shut, Free, false),
        ] {
            let room = Room { leavers, others, ..room(16) };
            assert_eq!(holding(jobs).has_place(class, room), want, "{class:?} beside {jobs:?}, {leavers:?} and {others:?}");
        }
    }

    fn room(slots: usize) -> Room {
        Room { slots, leavers: Passage::Free, others: Passage::Free, is_eased: false, rests_until: None }
    }
}
