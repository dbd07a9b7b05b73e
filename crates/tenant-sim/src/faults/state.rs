//! The profile in force, and what it did so far. One for all tenants of a simulator.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::throttle::Meters;
use super::{Chance, FaultProfile};

/// How many different kinds of requests are counted apart.
const KINDS_MAX: usize = 1_000;

/// Something that the profile did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum InjectedFault {
    /// A request was throttled.
    Throttled,
    /// A request failed before anything of it was done.
    ServerError,
    /// A write was carried out and answered with an error.
    AnswerLost,
    /// A write was carried out and its connection cut.
    ConnectionReset,
    /// A token was refused before its time.
    TokenExpired,
    /// A new object was hidden.
    FreshHidden,
    /// A change was kept from all delta queries.
    ChangeLost,
    /// A delta round began with its newest change.
    CycleReordered,
    /// The next delta round was made to tell some changes again.
    CycleReplayed,
    /// An object was told twice.
    ObjectRepeated,
    /// A page of a delta query was sent again.
    PageRepeated,
    /// An empty page came first.
    PageEmpty,
    /// An invited user never appeared.
    GuestVanished,
    /// An invited user could be written late.
    GuestLate,
    /// An invitation met somebody or something with that address.
    AddressTaken,
}

/// A cheap handle of the profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultState(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// None while it is calm.
    profile: RwLock<Option<Arc<FaultProfile>>>,
    injected_faults: Mutex<BTreeMap<InjectedFault, u64>>,
    /// How many requests of each kind there were since the profile was set.
    numbers: Mutex<HashMap<String, u64>>,
    meters: Meters,
}

impl FaultState {
    /// Changes the profile. Requests are numbered anew, and all quotas are full.
    pub(crate) fn set(&self, profile: FaultProfile) {
        let is_empty = FaultProfile { seed: profile.seed, ..FaultProfile::default() } == profile;
        *self.0.profile.write() = (!is_empty).then(|| Arc::new(profile));
        lock(&self.0.numbers).clear();
        self.0.meters.reset();
    }

    /// The profile, unless it is calm.
    pub(crate) fn profile(&self) -> Option<Arc<FaultProfile>> {
        self.0.profile.read().clone()
    }

    /// What the profile did so far.
    pub(crate) fn injected_faults(&self) -> BTreeMap<InjectedFault, u64> {
        lock(&self.0.injected_faults).clone()
    }

    pub(crate) fn note(&self, fault: InjectedFault) {
        *lock(&self.0.injected_faults).entry(fault).or_default() += 1;
    }

    /// The draws of the next occasion of that kind.
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
