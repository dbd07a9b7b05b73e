//! The faults of one page of a delta query. The page's token determines them, so a repeated request returns the same page.

use std::sync::Arc;

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Chance, FaultProfile, FaultState, InjectedFault};

/// The limit of consecutive empty or repeated pages at one place.
const ATTEMPTS_MAX: u64 = 2;
/// The most log numbers that a cycle replays.
const REPLAYED_MAX: u64 = 12;

/// The draws of one page; `None` without a fault profile.
#[derive(Debug)]
pub(crate) struct PageFaults(Option<(FaultState, Arc<FaultProfile>, Chance)>);

impl PageFaults {
    /// The draws of a page, by tenant, kind and place.
    pub(crate) fn of(fault_state: &FaultState, tenant: Uuid, kind: &str, place: &[u64]) -> Self {
        let drawn = |profile: Arc<FaultProfile>| {
            let (high, low) = tenant.as_u64_pair();
            let numbers: Vec<u64> = [high, low].into_iter().chain(place.iter().copied()).collect();
            let chance = Chance::of(profile.seed, kind, &numbers);
            (fault_state.clone(), profile, chance)
        };
        Self(fault_state.profile().map(drawn))
    }

    /// Whether an empty page precedes this page.
    pub(crate) fn is_empty(&mut self, attempt: u64) -> bool {
        self.draw(InjectedFault::PageEmpty, |profile| if attempt < ATTEMPTS_MAX { profile.delta.empty } else { 0.0 })
    }

    /// Whether the cycle that begins here lists its changes from the newest to the oldest.
    pub(crate) fn reorders_cycle(&mut self) -> bool {
        self.draw(InjectedFault::CycleReordered, |profile| profile.delta.reorders)
    }

    /// Whether the next link leads to the same page again.
    pub(crate) fn repeats_page(&mut self, attempt: u64) -> bool {
        self.draw(InjectedFault::PageRepeated, |profile| if attempt < ATTEMPTS_MAX { profile.delta.repeats } else { 0.0 })
    }

    /// How many log numbers the next cycle replays, of the `changes` that this cycle covered.
    pub(crate) fn replays(&mut self, changes: u64) -> u64 {
        if changes == 0 || !self.draw(InjectedFault::CycleReplayed, |profile| profile.delta.repeats) {
            return 0;
        }
        let number = self.0.as_mut().map_or(0.0, |(_, _, chance)| chance.number());
        1 + (number * changes.min(REPLAYED_MAX) as f64) as u64
    }

    /// Shuffles the objects of the page with the probability `reorders`.
    pub(crate) fn mix(&mut self, objects: &mut [Json]) {
        if let Some((_, profile, chance)) = &mut self.0
            && chance.occurs(profile.delta.reorders)
        {
            chance.shuffle(objects);
        }
    }

    fn draw(&mut self, fault: InjectedFault, share: impl FnOnce(&FaultProfile) -> f64) -> bool {
        let Some((fault_state, profile, chance)) = &mut self.0 else {
            return false;
        };
        let occurs = chance.occurs(share(profile));
        if occurs {
            fault_state.note(fault);
        }
        occurs
    }
}
