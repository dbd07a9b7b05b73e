//! The profile: how badly the simulated Graph behaves, by seed.
//!
//! A [`FaultProfile`] is plain data. The same profile and the same sequence of requests of a kind meet the same answers, whatever other
//! requests come between: each kind (method and path template) is counted by itself, and its number and the seed decide. Real tenants do
//! all of this; the sources are Microsoft's pages on throttling and delta queries, and pitfalls R3 to R19.

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

/// What is to go wrong, and how often. The default is calm. Shares are between 0 and 1.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultProfile {
    /// What all chance comes from.
    pub seed: u64,
    /// How long every request to Graph takes before anything of it is done.
    #[serde(rename = "latencyMilliseconds")]
    pub latency: Span,
    /// The quotas; none are applied without.
    pub throttle: Option<Throttle>,
    /// The tenants that are throttled; all of them, where none is named.
    pub throttled: Vec<String>,
    /// Tenants that answer every request about users with 503.
    pub dead: Vec<String>,
    /// The share of requests that are answered with 500, 502, 503 or 504 instead of being carried out.
    pub server_errors: f64,
    /// The share of writes that are carried out and whose answer is lost: such a status, or a cut connection.
    pub fails_after_commit: f64,
    /// How long a new object is not found by id and missing in lists, while delta queries and notifications tell it already.
    #[serde(rename = "hidesFreshObjectsForMilliseconds")]
    pub hides_fresh_objects_for: Span,
    /// What delta queries do.
    pub delta: DeltaFaults,
    /// After how many requests an access token is refused, however long it should live.
    pub expires_tokens_every: Option<NonZeroU32>,
    /// What invitations of unknown addresses meet.
    pub invitations: InvitationFaults,
}

/// What goes wrong in delta queries. Within a round the last word on an object is always the newest, as clients may rely on.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeltaFaults {
    /// The share of rounds whose pages come from the newest change to the oldest, and of pages whose objects are mixed.
    pub reorders: f64,
    /// The share of objects that are told twice, first as they were before their last change; of pages that are sent again; and of
    /// rounds after which the next one tells some changes once more.
    pub repeats: f64,
    /// The share of pages before which comes an empty one.
    pub empty: f64,
    /// The share of changes that no later round tells, until the object changes again. Only an initial round shows them.
    pub loses: f64,
}

/// The answers of pitfalls R4: shares of the invitations of addresses that the tenant does not know. They exclude one another.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InvitationFaults {
    /// 201 with an id, and the user never appears.
    pub vanishes: f64,
    /// 201, and writes to the id are answered with 404 for a while longer than reads.
    pub late: f64,
    /// How much longer.
    #[serde(rename = "lateForMilliseconds")]
    pub late_for: Span,
    /// A guest whom somebody else invited comes back with 201: silent adoption.
    pub meets_guest: f64,
    /// Such a guest whose sign-in is blocked refuses with 400.
    pub meets_blocked: f64,
    /// An internal user refuses with 400.
    pub meets_internal: f64,
    /// An internal user in the bin refuses with 400.
    pub meets_soft_deleted: f64,
    /// A mail contact owns the address, so the guest has neither `mail` nor `proxyAddresses`.
    pub meets_contact: f64,
}

/// A time between two bounds, both included; written as `[least, most]` in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "(u64, u64)")]
pub struct Span {
    /// At least so long.
    pub least: Duration,
    /// At most so long.
    pub most: Duration,
}

impl Span {
    /// Always that long.
    pub const fn exactly(time: Duration) -> Self {
        Self { least: time, most: time }
    }

    /// Between those numbers of milliseconds.
    pub const fn milliseconds(least: u64, most: u64) -> Self {
        Self { least: Duration::from_millis(least), most: Duration::from_millis(most) }
    }
}

impl From<(u64, u64)> for Span {
    fn from((least, most): (u64, u64)) -> Self {
        Self::milliseconds(least, most)
    }
}
