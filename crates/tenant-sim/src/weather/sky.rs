//! The weather in force, and what it did so far. One for all tenants of a simulator.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::throttle::Meters;
use super::{Luck, Weather};

/// How many different kinds of requests are counted apart.
const KINDS_MAX: usize = 1_000;

/// Something that the weather did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Strike {
    /// A request was throttled.
    Throttled,
    /// A request failed before anything of it was done.
    ServerError,
    /// A write was carried out and answered with an error.
    AnswerLost,
    /// A write was carried out and its connection cut.
    ConnectionCut,
    /// A token was refused before its time.
    TokenExpired,
    /// A new object was hidden.
    FreshHidden,
    /// A change was kept from all delta queries.
    ChangeLost,
    /// A delta round began with its newest change.
    RoundReordered,
    /// The next delta round was made to tell some changes again.
    RoundReplayed,
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

/// A cheap handle of the weather.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sky(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// None while it is calm.
    weather: RwLock<Option<Arc<Weather>>>,
    strikes: Mutex<BTreeMap<Strike, u64>>,
    /// How many requests of each kind there were since the weather was set.
    numbers: Mutex<HashMap<String, u64>>,
    meters: Meters,
}

impl Sky {
    /// Changes the weather. Requests are numbered anew, and all quotas are full.
    pub(crate) fn set(&self, weather: Weather) {
        let calm = Weather { seed: weather.seed, ..Weather::default() } == weather;
        *self.0.weather.write() = (!calm).then(|| Arc::new(weather));
        lock(&self.0.numbers).clear();
        self.0.meters.reset();
    }

    /// The weather, unless it is calm.
    pub(crate) fn weather(&self) -> Option<Arc<Weather>> {
        self.0.weather.read().clone()
    }

    /// What the weather did so far.
    pub(crate) fn strikes(&self) -> BTreeMap<Strike, u64> {
        lock(&self.0.strikes).clone()
    }

    pub(crate) fn note(&self, strike: Strike) {
        *lock(&self.0.strikes).entry(strike).or_default() += 1;
    }

    /// The draws of the next occasion of that kind.
    pub(crate) fn next(&self, weather: &Weather, kind: &str) -> Luck {
        let mut numbers = lock(&self.0.numbers);
        let kind = if numbers.len() < KINDS_MAX || numbers.contains_key(kind) { kind } else { "other" };
        let number = numbers.entry(kind.to_owned()).or_default();
        *number += 1;
        Luck::of(weather.seed, kind, &[*number])
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.0.meters
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
