//! Throttling as Microsoft documents it for identity and access: token buckets of resource units and of writes, per application and
//! tenant, per application, and per tenant.
//!
//! Throttled requests count, too. A client that ignores `Retry-After` stays throttled; usage counts up to 1.8 times the limit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::Method;
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{Chance, cost};
use crate::call::Call;
use crate::error::{Failure, Header};

/// The used share of a limit above which answers carry `x-ms-throttle-limit-percentage`.
const HEADER_FROM: f64 = 0.8;
/// The share of a limit beyond which overuse is no longer counted.
const LEVEL_MAX: f64 = 1.8;

/// A token bucket that holds `amount` and fills within `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "(u32, u64)")]
pub struct Quota {
    /// The size of the bucket.
    pub amount: u32,
    /// The time in which an empty bucket fills.
    pub per: Duration,
}

/// The quotas. The admin API takes each as `[amount, seconds]`; omitted ones have the documented value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Throttle {
    /// Resource units of an application in a tenant of fewer than 50 users.
    pub small: Quota,
    /// The same from 50 to 500 users.
    pub medium: Quota,
    /// The same above 500 users.
    pub large: Quota,
    /// Writes of an application in a tenant.
    pub writes: Quota,
    /// Resource units of an application over all tenants.
    pub application: Quota,
    /// Writes of an application over all tenants.
    pub application_writes: Quota,
    /// Writes of all applications in a tenant.
    pub tenant_writes: Quota,
}

impl Throttle {
    /// The quotas that Microsoft documents.
    pub const fn documented() -> Self {
        Self {
            small: Quota::new(3_500, 10),
            medium: Quota::new(5_000, 10),
            large: Quota::new(8_000, 10),
            writes: Quota::new(3_000, 150),
            application: Quota::new(150_000, 20),
            application_writes: Quota::new(70_000, 300),
            tenant_writes: Quota::new(18_000, 300),
        }
    }

    /// These quotas with another one for the writes of an application in a tenant. 20 per second is the documented rate without its burst.
    pub const fn with_writes(self, amount: u32, seconds: u64) -> Self {
        Self { writes: Quota::new(amount, seconds), ..self }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::documented()
    }
}

impl Quota {
    /// A quota of `amount` in `seconds`.
    pub const fn new(amount: u32, seconds: u64) -> Self {
        Self { amount, per: Duration::from_secs(seconds) }
    }

    fn per_second(self) -> f64 {
        f64::from(self.amount) / self.per.as_secs_f64().max(0.001)
    }
}

impl From<(u32, u64)> for Quota {
    fn from((amount, seconds): (u32, u64)) -> Self {
        Self::new(amount, seconds)
    }
}

/// The owner of a bucket: an application in a tenant, an application (nil tenant), or a tenant (nil application).
type Owner = (Uuid, Uuid);

/// The buckets in use; at most two for each tenant, each application and each pair of them.
#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<HashMap<(Owner, bool), Bucket>>);

#[derive(Debug)]
struct Bucket {
    quota: Quota,
    level: f64,
    at: Instant,
}

/// One charge on one bucket.
struct Charge {
    scope: &'static str,
    owner: Owner,
    quota: Quota,
    amount: u32,
    writes: bool,
}

impl Meters {
    /// Removes all buckets, so that every quota is full.
    pub(super) fn reset(&self) {
        self.buckets().clear();
    }

    /// Charges the cost of the request. Returns the headers for its answer, or the failure if a quota is exceeded.
    pub(super) fn charge(&self, throttle: &Throttle, call: &Call<'_>, chance: &mut Chance) -> Result<Vec<Header>, Failure> {
        let (now, cost) = (Instant::now(), cost::of(call));
        let mut buckets = self.buckets();
        let (mut used, mut over) = (0.0_f64, None);
        for charge in charges(throttle, call, cost) {
            let bucket = buckets.entry((charge.owner, charge.writes)).or_insert_with(|| Bucket::full(charge.quota, now));
            let wait = bucket.take(charge.quota, charge.amount, now);
            used = used.max(bucket.used());
            over = over.or(wait.map(|wait| (charge, wait)));
        }
        let mut headers = vec![("x-ms-resource-unit".into(), cost.units.to_string())];
        if used > HEADER_FROM {
            headers.push(("x-ms-throttle-limit-percentage".into(), format!("{used:.1}")));
        }
        match over {
            None => Ok(headers),
            Some((charge, wait)) => Err(refusal(&charge, wait, call, headers, chance)),
        }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<(Owner, bool), Bucket>> {
        self.0.lock()
    }
}

impl Bucket {
    fn full(quota: Quota, now: Instant) -> Self {
        Self { quota, level: f64::from(quota.amount), at: now }
    }

    /// Takes the amount in any case. Returns how long to wait if the bucket held less.
    fn take(&mut self, quota: Quota, amount: u32, now: Instant) -> Option<Duration> {
        let (size, rate, amount) = (f64::from(quota.amount), quota.per_second(), f64::from(amount));
        let refilled = self.level + now.saturating_duration_since(self.at).as_secs_f64() * rate;
        let short = refilled.min(size) < amount;
        self.level = (refilled.min(size) - amount).max(size - LEVEL_MAX * size);
        (self.quota, self.at) = (quota, now);
        short.then(|| Duration::from_secs_f64((amount - self.level) / rate))
    }

    /// The used share of the limit.
    fn used(&self) -> f64 {
        let size = f64::from(self.quota.amount).max(1.0);
        (size - self.level) / size
    }
}

fn charges(throttle: &Throttle, call: &Call<'_>, cost: cost::Cost) -> impl Iterator<Item = Charge> {
    let (app, tenant) = (call.client, call.tenant.id);
    let units = match call.tenant.read().users.len() {
        0..50 => throttle.small,
        50..=500 => throttle.medium,
        _ => throttle.large,
    };
    let charge = |scope, owner, quota, amount, writes| Charge { scope, owner, quota, amount, writes };
    let all = [
        charge("Tenant_Application", (app, tenant), units, cost.units, false),
        charge("Tenant_Application", (app, tenant), throttle.writes, cost.writes, true),
        charge("Application", (app, Uuid::nil()), throttle.application, cost.units, false),
        charge("Application", (app, Uuid::nil()), throttle.application_writes, cost.writes, true),
        charge("Tenant", (Uuid::nil(), tenant), throttle.tenant_writes, cost.writes, true),
    ];
    all.into_iter().filter(|charge| charge.amount > 0)
}

fn refusal(charge: &Charge, wait: Duration, call: &Call<'_>, mut headers: Vec<Header>, chance: &mut Chance) -> Failure {
    let limit = match (charge.writes, call.method == Method::GET) {
        (true, _) => "Write",
        (false, true) => "Read",
        (false, false) => "ReadWrite",
    };
    let reason = if charge.writes { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" };
    headers.push(("x-ms-throttle-scope".into(), format!("{}/{limit}/{}/{}", charge.scope, call.client, call.tenant.id)));
    headers.push(("x-ms-throttle-information".into(), reason.to_owned()));
    headers.push(("retry-after".into(), written(wait, chance)));
    Failure { headers, ..Failure::new(429, "TooManyRequests", "Too many requests") }
}

/// Graph writes whole seconds, and sometimes fractions such as 2.128.
fn written(wait: Duration, chance: &mut Chance) -> String {
    if chance.occurs(0.5) { format!("{}", wait.as_secs_f64().ceil()) } else { format!("{:.3}", wait.as_secs_f64() + 0.000_5) }
}
