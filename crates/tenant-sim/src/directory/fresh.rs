//! Objects so new that reads and writes by id do not find them yet, while delta queries and notifications list them already.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Directory;
use crate::faults::{InjectedFault, Span};

/// The objects that are still hidden.
#[derive(Debug, Default)]
pub(crate) struct Fresh(HashMap<Uuid, Hidden>);

/// Until when an object is hidden.
#[derive(Debug)]
struct Hidden {
    from_reads: Instant,
    from_writes: Instant,
}

impl Directory {
    /// Hides an object that was just made, if the profile says so; from writes for `longer` than from reads.
    pub(super) fn hide(&mut self, id: Uuid, longer: Span) {
        let Some(profile) = self.fault_state.profile() else {
            return;
        };
        let mut chance = self.fault_state.next(&profile, "fresh");
        let (time, longer) = (chance.within(profile.hides_fresh_objects_for), chance.within(longer));
        if time + longer > Duration::ZERO {
            self.fault_state.note(InjectedFault::FreshHidden);
            self.fresh.add(id, time, longer);
        }
    }

    /// Whether a request by id finds the object, if it is there.
    pub(crate) fn is_visible(&self, id: Uuid, writes: bool) -> bool {
        let now = Instant::now();
        self.fresh.0.get(&id).is_none_or(|hidden| now >= if writes { hidden.from_writes } else { hidden.from_reads })
    }

    /// The objects that lists lack.
    pub(crate) fn unlisted(&self) -> BTreeSet<Uuid> {
        let now = Instant::now();
        self.fresh.0.iter().filter(|(_, hidden)| now < hidden.from_reads).map(|(id, _)| *id).collect()
    }
}

impl Fresh {
    fn add(&mut self, id: Uuid, time: Duration, longer: Duration) {
        let now = Instant::now();
        // Only the newest are hidden, so looking at all of them each time keeps them few.
        self.0.retain(|_, hidden| hidden.from_writes > now);
        self.0.insert(id, Hidden { from_reads: now + time, from_writes: now + time + longer });
    }
}
