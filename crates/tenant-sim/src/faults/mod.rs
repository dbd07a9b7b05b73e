//! The fault profile: which faults the simulated Graph injects, and how often, by seed.
//!
//! A [`FaultProfile`] is plain data. The same profile and the same sequence of requests of one kind give the same faults, independent of
//! other requests between them. Each kind (method and path template) has its own counter; the counter and the seed determine the fault.
//! Real tenants show all of these faults. Sources: Microsoft's pages on throttling and delta queries, and pitfalls R3 to R19.

mod chance;
mod cost;
mod pages;
mod presets;
mod request;
mod state;
mod throttle;

use std::num::NonZeroU32;
use std::time::Duration;

pub(crate) use self::chance::Chance;
pub(crate) use self::pages::PageFaults;
pub(crate) use self::request::{LostAnswer, RequestFaults};
pub(crate) use self::state::FaultState;
pub use self::state::InjectedFault;
pub use self::throttle::{Quota, Throttle};

/// The faults and their frequency. The default injects none. Shares are between 0 and 1.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultProfile {
    /// The seed of all random draws.
    pub seed: u64,
    /// The delay of every request to Graph before it is processed.
    #[serde(rename = "latencyMilliseconds")]
    pub latency: Span,
    /// The tenants with that delay; all tenants if empty.
    pub slow: Vec<String>,
    /// The quotas; none apply if unset.
    pub throttle: Option<Throttle>,
    /// The tenants that are throttled; all tenants if empty.
    pub throttled: Vec<String>,
    /// Tenants that answer every request about users with 503.
    pub dead: Vec<String>,
    /// The share of requests that fail with 500, 502, 503 or 504 and are not executed.
    pub server_errors: f64,
    /// The share of writes that are executed and whose answer is lost: the client gets such a status, or the connection is closed.
    pub fails_after_commit: f64,
    /// How long a new object is not found by id and is missing in lists. Delta queries and notifications contain it at once.
    #[serde(rename = "hidesFreshObjectsForMilliseconds")]
    pub hides_fresh_objects_for: Span,
    /// The faults of delta queries.
    pub delta: DeltaFaults,
    /// The number of requests after which an access token is refused, independent of its lifetime.
    pub expires_tokens_every: Option<NonZeroU32>,
    /// The faults of invitations of unknown addresses.
    pub invitations: InvitationFaults,
}

/// The faults of delta queries. Within a cycle the last entry of an object is always its newest state; clients rely on that.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeltaFaults {
    /// The share of cycles whose pages run from the newest change to the oldest, and of pages whose objects are shuffled.
    pub reorders: f64,
    /// The share of objects that are listed twice, first with the values before their last change; of pages that are sent again; and
    /// of cycles whose successor lists some changes again.
    pub repeats: f64,
    /// The share of pages that an empty page precedes.
    pub empty: f64,
    /// The share of changes that no later cycle lists until the object changes again. An initial cycle contains them.
    pub loses: f64,
}

/// The answers of pitfalls R4, as shares of the invitations of unknown addresses. At most one applies to an invitation.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InvitationFaults {
    /// The answer is 201 with an id, and the user never appears.
    pub vanishes: f64,
    /// The answer is 201, and writes to the id fail with 404 for longer than reads.
    pub late: f64,
    /// How much longer writes fail than reads.
    #[serde(rename = "lateForMilliseconds")]
    pub late_for: Span,
    /// The answer is 201 with a guest that another party invited: silent adoption.
    pub meets_guest: f64,
    /// A guest with blocked sign-in has the address: 400.
    pub meets_blocked: f64,
    /// An internal user has the address: 400.
    pub meets_internal: f64,
    /// A soft-deleted internal user has the address: 400.
    pub meets_soft_deleted: f64,
    /// A mail contact owns the address, so the guest has neither `mail` nor `proxyAddresses`.
    pub meets_contact: f64,
}

/// A range of durations, both bounds included; written as `[least, most]` in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "(u64, u64)")]
pub struct Span {
    /// The lower bound.
    pub least: Duration,
    /// The upper bound.
    pub most: Duration,
}

impl Span {
    /// A range with one duration.
    pub const fn exactly(time: Duration) -> Self {
        Self { least: time, most: time }
    }

    /// A range in milliseconds.
    pub const fn milliseconds(least: u64, most: u64) -> Self {
        Self { least: Duration::from_millis(least), most: Duration::from_millis(most) }
    }
}

impl From<(u64, u64)> for Span {
    fn from((least, most): (u64, u64)) -> Self {
        Self::milliseconds(least, most)
    }
}
