//! Whether a target consents, by the live cross-tenant access policies of both tenants, and what it asks beyond consent.
//!
//! Microsoft Graph enforces none of this against an application that invites (pitfall R1): this check is the only one. A partner's
//! property that is null inherits from the default, property by property; both redemption switches are off by default.

use std::time::Duration;

use crate::fact::{AccessPolicy, Partner, Redemption};
use crate::resource::{PartnerTerms, UserType};
use crate::{DirectoryId, Timestamp};

/// One tenant's policy, as last read.
#[derive(Debug, Clone, Copy)]
pub struct PolicySnapshot<'a> {
    /// The directory's own id of the tenant.
    pub directory_id: &'a DirectoryId,
    /// Its live policy.
    pub policy: &'a AccessPolicy,
    /// When that was read.
    pub read_at: Timestamp,
}

/// Whether calls for one source may start in one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Both tenants consent, and both policies are fresh.
    Given,
    /// One of them refuses.
    Refused(Refusal),
    /// Consent is unknown or too old.
    Unknown(UnknownReason),
}

/// Which tenant refuses what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The target does not allow the source's users to be synchronized into it.
    SyncNotAllowed,
    /// The target does not redeem the source's invitations by themselves.
    InboundRedemptionOff,
    /// The source does not let invitations into the target redeem by themselves.
    OutboundRedemptionOff,
}

/// Why consent is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownReason {
    /// The source's policy was never read.
    SourceNeverRead,
    /// The target's policy was never read.
    TargetNeverRead,
    /// The source's policy was read too long ago.
    SourceStale,
    /// The target's policy was read too long ago.
    TargetStale,
}

/// Whether the target consents now. A refusal counts at any age; consent counts only while it is younger than `max_age`.
#[must_use]
pub fn consent(source: Option<PolicySnapshot<'_>>, target: Option<PolicySnapshot<'_>>, now: Timestamp, max_age: Duration) -> Consent {
    let (source, target) = match (source, target) {
        (Some(source), Some(target)) => (source, target),
        (_, None) => return Consent::Unknown(UnknownReason::TargetNeverRead),
        (None, Some(_)) => return Consent::Unknown(UnknownReason::SourceNeverRead),
    };
    let stale = |snapshot: PolicySnapshot<'_>| now.since(snapshot.read_at) > max_age;
    match (refusal(source, target), stale(source), stale(target)) {
        (Some(refusal), _, _) => Consent::Refused(refusal),
        (None, _, true) => Consent::Unknown(UnknownReason::TargetStale),
        (None, true, false) => Consent::Unknown(UnknownReason::SourceStale),
        (None, false, false) => Consent::Given,
    }
}

/// Whether a target admits a user type. A source that it has no terms for is admitted as either.
#[must_use]
pub fn admits(terms: Option<&PartnerTerms>, user_type: UserType) -> bool {
    terms.is_none_or(|terms| terms.admits.contains(&user_type))
}

fn refusal(source: PolicySnapshot<'_>, target: PolicySnapshot<'_>) -> Option<Refusal> {
    let allowed = partner(target.policy, source.directory_id).sync_allowed == Some(true);
    let inbound = switch(target.policy, source.directory_id, |redemption| redemption.inbound);
    let outbound = switch(source.policy, target.directory_id, |redemption| redemption.outbound);
    match (allowed, inbound, outbound) {
        (false, _, _) => Some(Refusal::SyncNotAllowed),
        (true, false, _) => Some(Refusal::InboundRedemptionOff),
        (true, true, false) => Some(Refusal::OutboundRedemptionOff),
        (true, true, true) => None,
    }
}

/// The settings for a partner; one without an entry has every setting null.
fn partner(policy: &AccessPolicy, directory_id: &DirectoryId) -> Partner {
    policy.partners.get(directory_id).copied().unwrap_or_default()
}

/// A redemption switch: the partner's own, else the default's, else off.
fn switch(policy: &AccessPolicy, directory_id: &DirectoryId, of: impl Fn(Redemption) -> Option<bool>) -> bool {
    of(partner(policy, directory_id).redemption).or(of(policy.default)) == Some(true)
}

#[cfg(test)]
mod tests;
