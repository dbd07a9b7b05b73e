//! Convergence: whether every record is read, decided, taken in and applied at the newest revision; otherwise, what the fleet waits for.
//!
//! The status reports of roles may be some seconds old. So the read model is also joined by version: a user's newest change with its
//! decision, and that decision with the decision of the link. A link that only an administrator can resolve (conflict, refusal, hold) does
//! not prevent convergence.

use std::time::Duration;

use xtsync_contract::convert::time;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::gate::ClosedReason;
use xtsync_domain::resource::Mode;
use xtsync_domain::{TenantName, Timestamp};

use super::numbers::Numbers;
use crate::names::Names;

/// A status report older than this is ignored. Roles publish their status every few seconds.
const STATUS_TIMEOUT: Duration = Duration::from_secs(20);

/// The age at which a status report is no longer shown and its row is removed.
pub(crate) const EXPIRED_AFTER: Duration = Duration::from_secs(10 * 60);

/// The inputs of the convergence check.
pub(super) struct Snapshot<'a> {
    /// Whether the newest revision is published.
    pub(super) published: bool,
    /// The number of records that the read model has not read yet.
    pub(super) total_lag: u64,
    /// The error text for a missing topic.
    pub(super) missing: Option<String>,
    /// The groups that were not found yet, as texts.
    pub(super) unresolved: Vec<String>,
    pub(super) roles: Vec<RoleStatus>,
    pub(super) configuration: &'a Configuration,
    pub(super) synchronizations: &'a [(&'a NamedSynchronization, Numbers)],
    pub(super) names: &'a Names,
    pub(super) now: Timestamp,
}

/// Returns what the fleet waits for, as texts; empty if it has converged.
pub(super) fn waiting_for(snapshot: &Snapshot<'_>) -> Vec<String> {
    let revision = snapshot.configuration.revision();
    let mut reasons = Vec::new();
    if revision == 0 {
        reasons.push("a first apply".to_owned());
    }
    if !snapshot.published {
        reasons.push(format!("revision {revision} to be published"));
    }
    if snapshot.total_lag > 0 {
        reasons.push(format!("control to read {}", count(snapshot.total_lag, "record")));
    }
    reasons.extend(snapshot.missing.clone());
    reasons.extend(snapshot.unresolved.iter().cloned());
    snapshot.configuration.sources().into_iter().for_each(|source| detector_reasons(snapshot, source, &mut reasons));
    targets(snapshot).into_iter().for_each(|target| target_detector_reasons(snapshot, target, &mut reasons));
    if !snapshot.synchronizations.is_empty() {
        policy_reasons(snapshot, &mut reasons);
    }
    targets(snapshot).into_iter().for_each(|target| provisioner_reasons(snapshot, target, &mut reasons));
    snapshot
        .synchronizations
        .iter()
        .for_each(|(synchronization, numbers)| synchronization_reasons(snapshot, synchronization, numbers, &mut reasons));
    reasons
}

fn detector_reasons(snapshot: &Snapshot<'_>, source: &TenantName, reasons: &mut Vec<String>) {
    let name = snapshot.names.name(source);
    let Some(role) = snapshot.leader(Role::CHANGE_DETECTOR, source) else {
        return reasons.push(format!("a change-detector to report on {name}"));
    };
    if !role.blocked.is_empty() {
        reasons.push(format!("change-detector of {name}: {}", role.blocked));
    } else if role.revision < snapshot.configuration.revision() {
        reasons.push(format!("change-detector of {name} to take up revision {}", snapshot.configuration.revision()));
    } else if role.lag > 0 {
        reasons.push(format!("change-detector of {name} to publish {}", count(role.lag, "user")));
    } else if role.cycle == 0 {
        reasons.push(format!("the first cycle of {name}"));
    }
}

/// Of a tenant that is only a target, the detector reads the identity and the access policy.
fn target_detector_reasons(snapshot: &Snapshot<'_>, target: &TenantName, reasons: &mut Vec<String>) {
    let name = snapshot.names.name(target);
    if snapshot.configuration.sources().contains(target) {
        return;
    }
    match snapshot.leader(Role::CHANGE_DETECTOR, target) {
        None => reasons.push(format!("a change-detector to report on {name}")),
        Some(role) if !role.blocked.is_empty() => reasons.push(format!("change-detector of {name}: {}", role.blocked)),
        Some(_) => {}
    }
}

fn policy_reasons(snapshot: &Snapshot<'_>, reasons: &mut Vec<String>) {
    let replicas: Vec<&RoleStatus> = snapshot.recent(Role::POLICY).collect();
    let lag = replicas.iter().map(|role| role.lag).sum();
    let silent = snapshot.configuration.sources().into_iter().find(|source| replicas.iter().all(|role| role.tenant != source.as_str()));
    if replicas.is_empty() {
        reasons.push("policy to report its status".to_owned());
    } else if let Some(source) = silent {
        reasons.push(format!("policy to report on {}", snapshot.names.name(source)));
    } else if let Some(role) = replicas.iter().find(|role| !role.blocked.is_empty()) {
        reasons.push(format!("policy of {}: {}", snapshot.names.name_of(&role.tenant), role.blocked));
    } else if replicas.iter().any(|role| role.revision < snapshot.configuration.revision()) {
        reasons.push(format!("policy to take up revision {}", snapshot.configuration.revision()));
    } else if lag > 0 {
        reasons.push(format!("policy to decide {}", count(lag, "record")));
    }
}

fn provisioner_reasons(snapshot: &Snapshot<'_>, target: &TenantName, reasons: &mut Vec<String>) {
    let name = snapshot.names.name(target);
    let Some(role) = snapshot.leader(Role::PROVISIONER, target) else {
        return reasons.push(format!("a provisioner to report on {name}"));
    };
    let due = role.pending.values().sum();
    if role.blocked == ClosedReason::ObserveOnlyAfterRebuild.code() {
        reasons.push(format!("{name} to be resumed: the store of its links was lost and rebuilt; run `xtsync resume {name}`"));
    } else if !role.blocked.is_empty() {
        reasons.push(format!("provisioner of {name}: {}", role.blocked));
    } else if role.revision < snapshot.configuration.revision() {
        reasons.push(format!("provisioner of {name} to take up revision {}", snapshot.configuration.revision()));
    } else if role.lag > 0 {
        reasons.push(format!("provisioner of {name} to take in {}", count(role.lag, "record")));
    } else if due > 0 {
        reasons.push(format!("{} due in {name}", count(due, "link")));
    }
}

fn synchronization_reasons(snapshot: &Snapshot<'_>, synchronization: &NamedSynchronization, numbers: &Numbers, reasons: &mut Vec<String>) {
    let name = &synchronization.name;
    let open = numbers.status("waiting") + numbers.unprocessed;
    if numbers.undecided > 0 {
        reasons.push(format!("{name}: {} not decided yet", count(numbers.undecided, "user")));
    }
    if numbers.replayed < snapshot.configuration.basis(&synchronization.source) {
        reasons.push(format!("{name}: users to be decided again"));
    }
    if open > 0 {
        reasons.push(format!("{name}: {} not as desired yet", count(open, "link")));
    }
    if numbers.grace_ends_soon > 0 {
        reasons.push(format!("{name}: {} in the grace period", count(numbers.grace_ends_soon, "loss of scope")));
    }
}

/// Whether an enforced synchronization has no user in scope although its source is completely read and decided.
pub(super) fn is_scope_empty(snapshot: &Snapshot<'_>, synchronization: &NamedSynchronization, numbers: &Numbers) -> bool {
    let is_enforced = match synchronization.spec.mode {
        Mode::Enforce => true,
        Mode::Observe => false,
    };
    let is_read = snapshot.leader(Role::CHANGE_DETECTOR, &synchronization.source).is_some_and(|role| role.cycle > 0 && role.lag == 0);
    let is_decided = numbers.undecided == 0 && numbers.replayed >= snapshot.configuration.basis(&synchronization.source);
    is_enforced && is_read && is_decided && snapshot.total_lag == 0 && !numbers.has_users_in_scope
}

impl Snapshot<'_> {
    /// Returns the recent status reports of a role's replicas.
    fn recent(&self, role: Role) -> impl Iterator<Item = &RoleStatus> {
        self.roles.iter().filter(move |status| status.role == role.name() && age(status, self.now) < STATUS_TIMEOUT)
    }

    /// Returns the newest recent status report of the replica that holds the lease of a tenant.
    fn leader(&self, role: Role, tenant: &TenantName) -> Option<&RoleStatus> {
        let here = self.recent(role).filter(|status| status.leader && status.tenant == tenant.as_str());
        here.min_by_key(|status| age(status, self.now))
    }
}

/// Returns the age of a status report.
pub(crate) fn age(status: &RoleStatus, now: Timestamp) -> Duration {
    time("at", status.at).map_or(Duration::MAX, |at| now.since(at))
}

fn targets<'a>(snapshot: &Snapshot<'a>) -> std::collections::BTreeSet<&'a TenantName> {
    snapshot.synchronizations.iter().map(|(synchronization, _)| &synchronization.spec.to).collect()
}

/// Formats a number with its noun: `1 user`, `2 users`, `2 losses of scope`.
fn count(n: u64, what: &str) -> String {
    match (n, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (_, Some((first, rest))) => format!("{n} {first}es {rest}"),
        (_, None) => format!("{n} {what}s"),
    }
}

#[cfg(test)]
mod tests;
