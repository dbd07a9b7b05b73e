//! The fault profile in force, and the faults injected so far. All tenants of a simulator share it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::throttle::Meters;
use super::{Chance, FaultProfile};

/// How many kinds of requests have their own counter; further kinds share one.
const KINDS_MAX: usize = 1_000;

/// A fault that the simulator injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum InjectedFault {
    /// A request was throttled.
    Throttled,
    /// A request failed and was not executed.
    ServerError,
    /// A write was executed and answered with an error.
    AnswerLost,
    /// A write was executed and its connection closed without an answer.
    ConnectionReset,
    /// A token was refused before its lifetime ended.
    TokenExpired,
    /// A new object was hidden.
    FreshHidden,
    /// Delta queries omit a change.
    ChangeLost,
    /// A delta cycle began with its newest change.
    CycleReordered,
    /// The next delta cycle lists some changes again.
    CycleReplayed,
    /// An object was listed twice.
    ObjectRepeated,
    /// A page of a delta query was sent again.
    PageRepeated,
    /// An empty page preceded a page.
    PageEmpty,
    /// An invited user never appeared.
    GuestVanished,
    /// An invited user became writable later than readable.
    GuestLate,
    /// Another object had the address of an invitation.
    AddressTaken,
}

/// A handle of the shared fault state; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// `None` while the profile has no faults.
    profile: RwLock<Option<Arc<FaultProfile>>>,
    injected_faults: Mutex<BTreeMap<InjectedFault, u64>>,
    /// How many requests of each kind there were since the profile was set.
    numbers: Mutex<HashMap<String, u64>>,
    meters: Meters,
}

impl FaultState {
    /// Sets the profile, resets the request counters and fills all quotas.
    pub(crate) fn set(&self, profile: FaultProfile) {
        let is_empty = FaultProfile { seed: profile.seed, ..FaultProfile::default() } == profile;
        *self.0.profile.write() = (!is_empty).then(|| Arc::new(profile));
        lock(&self.0.numbers).clear();
        self.0.meters.reset();
    }

    /// The profile; `None` if it has no faults.
    pub(crate) fn profile(&self) -> Option<Arc<FaultProfile>> {
        self.0.profile.read().clone()
    }

    /// The number of injected faults by kind.
    pub(crate) fn injected_faults(&self) -> BTreeMap<InjectedFault, u64> {
        lock(&self.0.injected_faults).clone()
    }

    pub(crate) fn note(&self, fault: InjectedFault) {
        *lock(&self.0.injected_faults).entry(fault).or_default() += 1;
    }

    /// The draws for the next request of that kind.
    pub(crate) fn next(&self, profile: &FaultProfile, kind: &str) -> Chance {
        let mut numbers = lock(&self.0.numbers);
        let kind = if numbers.len() < KINDS_MAX || numbers.contains_key(kind) { kind } else { "other" };
        let number = numbers.entry(kind.to_owned()).or_default();
        *number += 1;
        Chance::of(profile.seed, kind, &[*number])
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.0.meters
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
