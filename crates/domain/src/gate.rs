//! The gate before every call: whether it may start now.
//!
//! Pure and O(1): all inputs are passed in, so the caller can check before each call and again later. The gate has no queue and no
//! state; the caller keeps the row and checks again after a change.

mod counter;

use std::collections::BTreeMap;
use std::time::Duration;

pub use counter::{Counter, counter};

use crate::access::{Consent, PolicySnapshot, Refusal, UnknownReason, consent};
use crate::address::HomeDomains;
use crate::identity::Fault;
use crate::link::class::class;
use crate::link::{Call, Class, Link, Verb};
use crate::resource::Mode;
use crate::{Timestamp, Wanted};

/// The maximum age of the consent facts (`ConsentBeforeCall`, I-4).
const CONSENT_MAX_AGE: Duration = Duration::from_secs(60);

/// The maximum age for calls that remove access. It is longer, because leavers must lose access even while a detector is down.
const CONSENT_MAX_AGE_REVOKE: Duration = Duration::from_secs(60 * 60);

/// Over how long deletions and the other verbs are counted.
pub const WINDOW: Duration = Duration::from_secs(60 * 60);

/// What a call's permission depends on, besides the link.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// The source tenant's consent to invitations, if it was ever read.
    pub source: Option<PolicySnapshot<'a>>,
    /// The target tenant's consent to synchronization, if it was ever read.
    pub target: Option<PolicySnapshot<'a>>,
    /// The domains whose addresses the source tenant redeems, if they are known.
    pub home: Option<&'a HomeDomains>,
    /// Whether the synchronization writes; `None` where there is none any more.
    pub mode: Option<Mode>,
    /// An administrator froze the target.
    pub is_frozen: bool,
    /// The target is quarantined, because its answers are inconsistent.
    pub is_quarantined: bool,
    /// The links of the target were rebuilt from their topic, and no operator has resumed the target since.
    pub is_observe_only: bool,
    /// The identity fault of either directory.
    pub fault: Option<Fault>,
    /// What may still be done for the source in this window; a counter without an entry has no limit.
    pub allowances: BTreeMap<Counter, Allowance>,
}

/// The number of users counted in a window, and the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So far.
    pub used: u64,
    /// At most.
    pub max: u64,
}

/// The gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The call may start.
    Open,
    /// The call may not start.
    Closed(ClosedReason),
}

/// Why the gate is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedReason {
    /// The synchronization is gone from the configuration.
    NotConfigured,
    /// The synchronization only observes.
    Observing,
    /// An administrator froze the target.
    Frozen,
    /// The target was set aside.
    Quarantined,
    /// A lost store was rebuilt, and an operator must resume the target.
    ObserveOnlyAfterRebuild,
    /// A directory has an identity fault.
    Directory(Fault),
    /// One side refuses consent.
    Refused(Refusal),
    /// Consent is unknown or too old.
    Unknown(UnknownReason),
    /// The address is in no domain that only the source tenant has verified. Another tenant would redeem the invitation.
    UnverifiedAddress,
    /// The limit of this window is used up.
    Limit(Counter),
}

impl ClosedReason {
    /// The stable code on links, on `status` and in metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Observing => "observing",
            Self::Frozen => "frozen",
            Self::Quarantined => "quarantined",
            Self::ObserveOnlyAfterRebuild => "observe_only_after_rebuild",
            Self::Directory(Fault::Shared) => "directory_shared",
            Self::Directory(Fault::Changed) => "directory_changed",
            Self::Refused(Refusal::SyncNotAllowed) => "sync_not_allowed",
            Self::Refused(Refusal::InboundRedemptionOff) => "inbound_redemption_off",
            Self::Refused(Refusal::OutboundRedemptionOff) => "outbound_redemption_off",
            Self::Unknown(UnknownReason::SourceNeverRead) => "source_never_read",
            Self::Unknown(UnknownReason::TargetNeverRead) => "target_never_read",
            Self::Unknown(UnknownReason::SourceStale) => "source_stale",
            Self::Unknown(UnknownReason::TargetStale) => "target_stale",
            Self::UnverifiedAddress => "no_verified_address",
            Self::Limit(Counter::Verb(Verb::Create)) => "limit_create",
            Self::Limit(Counter::Verb(Verb::Update)) => "limit_update",
            Self::Limit(Counter::Verb(Verb::Disable)) => "limit_disable",
            Self::Limit(Counter::Verb(Verb::Enable)) => "limit_enable",
            Self::Limit(Counter::Verb(Verb::Delete)) => "limit_delete",
            Self::Limit(Counter::Verb(Verb::Restore)) => "limit_restore",
            Self::Limit(Counter::LeaverDelete) => "limit_leaver",
        }
    }
}

/// Returns whether a call for a link may start. Refused consent closes the gate for every call, also for leavers
/// (`ConsentBeforeCall`, I-4).
#[must_use]
pub fn gate(call: &Call, link: &Link, terms: &Terms<'_>, now: Timestamp) -> Verdict {
    match closed(call, link, terms, now) {
        Some(why) => Verdict::Closed(why),
        None => Verdict::Open,
    }
}

/// Whether anything may start for a pair of tenants at all: what the gate says before it looks at a link. Where this opens, what waited
/// behind it may be tried again.
#[must_use]
pub fn gate_of_pair(terms: &Terms<'_>, now: Timestamp) -> Verdict {
    match closed_for_pair(terms, now, CONSENT_MAX_AGE) {
        Some(why) => Verdict::Closed(why),
        None => Verdict::Open,
    }
}

fn closed(call: &Call, link: &Link, terms: &Terms<'_>, now: Timestamp) -> Option<ClosedReason> {
    closed_for_pair(terms, now, consent_max_age(link))
        .or_else(|| by_address(call, terms.home))
        .or_else(|| by_limit(counter(call, link)?, &terms.allowances))
}

fn closed_for_pair(terms: &Terms<'_>, now: Timestamp, max_age: Duration) -> Option<ClosedReason> {
    by_mode(terms.mode)
        .or(terms.is_frozen.then_some(ClosedReason::Frozen))
        .or(terms.is_quarantined.then_some(ClosedReason::Quarantined))
        .or(terms.is_observe_only.then_some(ClosedReason::ObserveOnlyAfterRebuild))
        .or(terms.fault.map(ClosedReason::Directory))
        .or_else(|| by_consent(consent(terms.source, terms.target, now, max_age)))
}

/// Returns which limit a call counts against. A deletion and a disable count with their first call. Otherwise the first call could
/// pass where the last may not: a user whose deletion is held keeps access.
#[must_use]
pub fn verb(call: &Call, link: &Link) -> Option<Verb> {
    match (link.wanted(), call) {
        (Wanted::No(_), call) => call.writes().then_some(Verb::Delete),
        (Wanted::Yes(_) | Wanted::Skipped(_), Call::Revoke { .. }) if link.desired.desired.sign_in_blocked => Some(Verb::Disable),
        (Wanted::Yes(_) | Wanted::Skipped(_), call) => call.verb(),
    }
}

fn by_mode(mode: Option<Mode>) -> Option<ClosedReason> {
    match mode {
        None => Some(ClosedReason::NotConfigured),
        Some(Mode::Observe) => Some(ClosedReason::Observing),
        Some(Mode::Enforce) => None,
    }
}

fn by_consent(consent: Consent) -> Option<ClosedReason> {
    match consent {
        Consent::Given => None,
        Consent::Refused(refusal) => Some(ClosedReason::Refused(refusal)),
        Consent::Unknown(reason) => Some(ClosedReason::Unknown(reason)),
    }
}

fn consent_max_age(link: &Link) -> Duration {
    match class(link) {
        Class::Leaver | Class::Revoke => CONSENT_MAX_AGE_REVOKE,
        Class::Live | Class::Bulk => CONSENT_MAX_AGE,
    }
}

/// Policy asks the same, but a domain may have been lost since: consent was asked of the source tenant, so it must be the one that redeems.
fn by_address(call: &Call, home: Option<&HomeDomains>) -> Option<ClosedReason> {
    let address = call.bound_address()?;
    home.is_none_or(|home| !home.admit(address)).then_some(ClosedReason::UnverifiedAddress)
}

fn by_limit(counter: Counter, allowances: &BTreeMap<Counter, Allowance>) -> Option<ClosedReason> {
    allowances.get(&counter).filter(|allowance| allowance.used >= allowance.max).map(|_| ClosedReason::Limit(counter))
}

#[cfg(test)]
mod tests;
