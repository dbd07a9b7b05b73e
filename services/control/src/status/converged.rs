//! Convergence: whether every record is read, decided, taken in and applied at the newest revision; otherwise, what the fleet waits for.
//!
//! The statuses of roles may be some seconds old. So the read model is also joined by version: a user's newest change with its
//! decision, and that decision with the decision of the link. A link that only an administrator can resolve (conflict, refusal, hold) does
//! not prevent convergence.

use std::time::Duration;

use xtsync_contract::control::{Condition, ConditionCode as Code};
use xtsync_contract::convert::time;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::gate::ClosedReason;
use xtsync_domain::resource::Mode;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_service::status::GAP_MAX;

use super::numbers::Numbers;
use crate::condition::condition;
use crate::names::Names;

/// A replica whose heartbeat is older than this counts as absent. A heartbeat is published every few seconds.
const STATUS_TIMEOUT: Duration = Duration::from_secs(20);

/// The age of the heartbeat at which the statuses of a replica are no longer shown and their rows are removed.
pub(crate) const EXPIRED_AFTER: Duration = Duration::from_secs(10 * 60);

// A replica that was silent for so long reports anew: what is removed is not missed.
const _: () = assert!(GAP_MAX.as_secs() < EXPIRED_AFTER.as_secs() / 2);

/// The inputs of the convergence check.
pub(super) struct Snapshot<'a> {
    /// Whether the newest revision is published.
    pub(super) published: bool,
    /// The number of records that the read model has not read yet.
    pub(super) total_lag: u64,
    /// A topic that is missing.
    pub(super) missing: Option<String>,
    /// The groups that were not found yet.
    pub(super) unresolved: Vec<Condition>,
    /// The statuses of the replicas by tenant, as of the heartbeats.
    pub(super) roles: Vec<RoleStatus>,
    pub(super) configuration: &'a Configuration,
    pub(super) synchronizations: &'a [(&'a NamedSynchronization, Numbers)],
    pub(super) names: &'a Names,
    pub(super) now: Timestamp,
}

/// Returns what the fleet waits for; empty if it has converged.
pub(super) fn waiting_for(snapshot: &Snapshot<'_>) -> Vec<Condition> {
    let revision = snapshot.configuration.revision();
    let mut conditions = Vec::new();
    if revision == 0 {
        conditions.push(condition(Code::FirstApply, &[]));
    }
    if !snapshot.published {
        conditions.push(condition(Code::UnpublishedRevision, &[("revision", &revision)]));
    }
    if snapshot.total_lag > 0 {
        conditions.push(condition(Code::UnreadRecords, &[("records", &snapshot.total_lag)]));
    }
    conditions.extend(snapshot.missing.as_ref().map(|topic| condition(Code::TopicMissing, &[("topic", topic)])));
    conditions.extend(snapshot.unresolved.iter().cloned());
    snapshot.configuration.sources().into_iter().for_each(|source| conditions.extend(of_detector(snapshot, source)));
    targets(snapshot).into_iter().for_each(|target| conditions.extend(of_target_detector(snapshot, target)));
    if !snapshot.synchronizations.is_empty() {
        conditions.extend(of_policy(snapshot));
    }
    targets(snapshot).into_iter().for_each(|target| conditions.extend(of_provisioner(snapshot, target)));
    let synchronizations = snapshot.synchronizations.iter();
    synchronizations.for_each(|(one, numbers)| conditions.extend(of_synchronization(snapshot, one, numbers)));
    conditions
}

fn of_detector(snapshot: &Snapshot<'_>, source: &TenantName) -> Option<Condition> {
    const ROLE: &str = Role::CHANGE_DETECTOR.name();
    let (tenant, revision) = (snapshot.names.name(source), snapshot.configuration.revision());
    let Some(role) = snapshot.leader(Role::CHANGE_DETECTOR, source) else {
        return Some(condition(Code::RoleSilent, &[("role", &ROLE), ("tenant", tenant)]));
    };
    if !role.blocked.is_empty() {
        Some(condition(Code::RoleBlocked, &[("role", &ROLE), ("tenant", tenant), ("code", &role.blocked)]))
    } else if role.revision < revision {
        Some(condition(Code::RoleBehind, &[("role", &ROLE), ("tenant", tenant), ("revision", &revision)]))
    } else if role.lag > 0 {
        Some(condition(Code::UnpublishedUsers, &[("tenant", tenant), ("users", &role.lag)]))
    } else {
        (role.cycle == 0).then(|| condition(Code::FirstCycle, &[("tenant", tenant)]))
    }
}

/// Of a tenant that is only a target, the detector reads the identity and the access policy.
fn of_target_detector(snapshot: &Snapshot<'_>, target: &TenantName) -> Option<Condition> {
    const ROLE: &str = Role::CHANGE_DETECTOR.name();
    if snapshot.configuration.sources().contains(target) {
        return None;
    }
    let tenant = snapshot.names.name(target);
    match snapshot.leader(Role::CHANGE_DETECTOR, target) {
        None => Some(condition(Code::RoleSilent, &[("role", &ROLE), ("tenant", tenant)])),
        Some(role) if !role.blocked.is_empty() => {
            Some(condition(Code::RoleBlocked, &[("role", &ROLE), ("tenant", tenant), ("code", &role.blocked)]))
        }
        Some(_) => None,
    }
}

fn of_policy(snapshot: &Snapshot<'_>) -> Option<Condition> {
    const ROLE: &str = Role::POLICY.name();
    let revision = snapshot.configuration.revision();
    let replicas: Vec<&RoleStatus> = snapshot.recent(Role::POLICY).collect();
    let lag: u64 = replicas.iter().map(|role| role.lag).sum();
    let silent = snapshot.configuration.sources().into_iter().find(|source| replicas.iter().all(|role| role.tenant != source.as_str()));
    if replicas.is_empty() {
        Some(condition(Code::RoleSilent, &[("role", &ROLE)]))
    } else if let Some(source) = silent {
        Some(condition(Code::RoleSilent, &[("role", &ROLE), ("tenant", snapshot.names.name(source))]))
    } else if let Some(role) = replicas.iter().find(|role| !role.blocked.is_empty()) {
        let tenant = snapshot.names.name_of(&role.tenant);
        Some(condition(Code::RoleBlocked, &[("role", &ROLE), ("tenant", &tenant), ("code", &role.blocked)]))
    } else if replicas.iter().any(|role| role.revision < revision) {
        Some(condition(Code::RoleBehind, &[("role", &ROLE), ("revision", &revision)]))
    } else {
        (lag > 0).then(|| condition(Code::UnevaluatedRecords, &[("records", &lag)]))
    }
}

fn of_provisioner(snapshot: &Snapshot<'_>, target: &TenantName) -> Option<Condition> {
    const ROLE: &str = Role::PROVISIONER.name();
    let (tenant, revision) = (snapshot.names.name(target), snapshot.configuration.revision());
    let Some(role) = snapshot.leader(Role::PROVISIONER, target) else {
        return Some(condition(Code::RoleSilent, &[("role", &ROLE), ("tenant", tenant)]));
    };
    let due: u64 = role.pending.values().sum();
    if role.blocked == ClosedReason::ObserveOnlyAfterRebuild.code() {
        Some(condition(Code::ObserveOnlyAfterRebuild, &[("tenant", tenant)]))
    } else if !role.blocked.is_empty() {
        Some(condition(Code::RoleBlocked, &[("role", &ROLE), ("tenant", tenant), ("code", &role.blocked)]))
    } else if role.revision < revision {
        Some(condition(Code::RoleBehind, &[("role", &ROLE), ("tenant", tenant), ("revision", &revision)]))
    } else if role.lag > 0 {
        Some(condition(Code::UnprocessedDecisions, &[("tenant", tenant), ("records", &role.lag)]))
    } else {
        (due > 0).then(|| condition(Code::DueLinks, &[("tenant", tenant), ("links", &due)]))
    }
}

fn of_synchronization(snapshot: &Snapshot<'_>, synchronization: &NamedSynchronization, numbers: &Numbers) -> Vec<Condition> {
    let name = &synchronization.name;
    let open = numbers.status("waiting") + numbers.unprocessed;
    let counted = |code, what, number: u64| (number > 0).then(|| condition(code, &[("synchronization", name), (what, &number)]));
    let is_replayed = numbers.replayed >= snapshot.configuration.basis(&synchronization.source);
    let conditions = [
        counted(Code::UndecidedUsers, "users", numbers.undecided),
        (!is_replayed).then(|| condition(Code::Replay, &[("synchronization", name)])),
        counted(Code::OpenLinks, "links", open),
        counted(Code::GracePeriod, "users", numbers.grace_ends_soon),
    ];
    conditions.into_iter().flatten().collect()
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
    /// Returns the statuses of a role's replicas that are not absent.
    fn recent(&self, role: Role) -> impl Iterator<Item = &RoleStatus> {
        self.roles.iter().filter(move |status| status.role == role.name() && age(status, self.now) < STATUS_TIMEOUT)
    }

    /// Returns the newest status of a replica that is not absent and holds the lease of a tenant.
    fn leader(&self, role: Role, tenant: &TenantName) -> Option<&RoleStatus> {
        let here = self.recent(role).filter(|status| status.leader && status.tenant == tenant.as_str());
        here.min_by_key(|status| age(status, self.now))
    }
}

/// Returns the age of a status or heartbeat.
pub(crate) fn age(status: &RoleStatus, now: Timestamp) -> Duration {
    time("at", status.at).map_or(Duration::MAX, |at| now.since(at))
}

fn targets<'a>(snapshot: &Snapshot<'a>) -> std::collections::BTreeSet<&'a TenantName> {
    snapshot.synchronizations.iter().map(|(synchronization, _)| &synchronization.spec.to).collect()
}

#[cfg(test)]
mod tests;
