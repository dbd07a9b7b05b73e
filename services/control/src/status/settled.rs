//! Settled: everything that was said has been read, decided, taken up and done, at the newest revision; or else, what is waited for.
//!
//! Each role says what it knows of itself, and what it said last may be some seconds old; so the read model is also joined by version:
//! a user's newest change with the decision on it, that decision with the link's. What only a person can move (a conflict, a refusal,
//! a hold) is not waited for.

use std::time::Duration;

use xtsync_contract::convert::time;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::gate::Why;
use xtsync_domain::resource::Mode;
use xtsync_domain::{TenantName, Timestamp};

use super::numbers::Numbers;

/// A role that said nothing for so long says nothing any more: it publishes its status every few seconds.
const SILENT: Duration = Duration::from_secs(20);

/// When a role is no longer shown, and its row ends.
pub(crate) const EXPIRED_AFTER: Duration = Duration::from_secs(10 * 60);

/// What is known.
pub(super) struct Known<'a> {
    /// Whether the newest revision is on the bus.
    pub(super) published: bool,
    /// Records that the read model has not read.
    pub(super) behind: u64,
    /// That a topic is still to be made, in words.
    pub(super) missing: Option<String>,
    /// Groups not seen yet, in words.
    pub(super) unseen: Vec<String>,
    pub(super) roles: Vec<RoleStatus>,
    pub(super) configuration: &'a Configuration,
    pub(super) synchronizations: &'a [(&'a NamedSynchronization, Numbers)],
    pub(super) now: Timestamp,
}

/// What is not settled, in words; empty when everything is.
pub(super) fn waiting_for(known: &Known<'_>) -> Vec<String> {
    let revision = known.configuration.revision();
    let mut words = Vec::new();
    if revision == 0 {
        words.push("a first apply".to_owned());
    }
    if !known.published {
        words.push(format!("revision {revision} to be published"));
    }
    if known.behind > 0 {
        words.push(format!("control to read {}", count(known.behind, "record")));
    }
    words.extend(known.missing.clone());
    words.extend(known.unseen.iter().cloned());
    known.configuration.sources().into_iter().for_each(|source| detector(known, source, &mut words));
    targets(known).into_iter().for_each(|target| detector_of_target(known, target, &mut words));
    if !known.synchronizations.is_empty() {
        policy(known, &mut words);
    }
    targets(known).into_iter().for_each(|target| provisioner(known, target, &mut words));
    known.synchronizations.iter().for_each(|(synchronization, numbers)| joined(known, synchronization, numbers, &mut words));
    words
}

fn detector(known: &Known<'_>, source: &TenantName, words: &mut Vec<String>) {
    let Some(role) = known.leader(Role::CHANGE_DETECTOR, source) else {
        return words.push(format!("a change-detector to say how {source} is"));
    };
    if !role.blocked.is_empty() {
        words.push(format!("change-detector of {source}: {}", role.blocked));
    } else if role.revision < known.configuration.revision() {
        words.push(format!("change-detector of {source} to take up revision {}", known.configuration.revision()));
    } else if role.lag > 0 {
        words.push(format!("change-detector of {source} to publish {}", count(role.lag, "user")));
    } else if role.round == 0 {
        words.push(format!("the first round of {source}"));
    }
}

/// Of a tenant that is only a target it reads who that is and what it allows.
fn detector_of_target(known: &Known<'_>, target: &TenantName, words: &mut Vec<String>) {
    if known.configuration.sources().contains(target) {
        return;
    }
    match known.leader(Role::CHANGE_DETECTOR, target) {
        None => words.push(format!("a change-detector to say how {target} is")),
        Some(role) if !role.blocked.is_empty() => words.push(format!("change-detector of {target}: {}", role.blocked)),
        Some(_) => {}
    }
}

fn policy(known: &Known<'_>, words: &mut Vec<String>) {
    let replicas: Vec<&RoleStatus> = known.recent(Role::POLICY).collect();
    let lag = replicas.iter().map(|role| role.lag).sum();
    let silent = known.configuration.sources().into_iter().find(|source| replicas.iter().all(|role| role.tenant != source.as_str()));
    if replicas.is_empty() {
        words.push("policy to say how it is".to_owned());
    } else if let Some(source) = silent {
        words.push(format!("policy to say how {source} is"));
    } else if let Some(role) = replicas.iter().find(|role| !role.blocked.is_empty()) {
        words.push(format!("policy of {}: {}", role.tenant, role.blocked));
    } else if replicas.iter().any(|role| role.revision < known.configuration.revision()) {
        words.push(format!("policy to take up revision {}", known.configuration.revision()));
    } else if lag > 0 {
        words.push(format!("policy to decide {}", count(lag, "record")));
    }
}

fn provisioner(known: &Known<'_>, target: &TenantName, words: &mut Vec<String>) {
    let Some(role) = known.leader(Role::PROVISIONER, target) else {
        return words.push(format!("a provisioner to say how {target} is"));
    };
    let due = role.pending.values().sum();
    if role.blocked == Why::Rebuilt.code() {
        words.push(format!("{target} to be released: the store of its links was lost and rebuilt; run `xtsync release {target}`"));
    } else if !role.blocked.is_empty() {
        words.push(format!("provisioner of {target}: {}", role.blocked));
    } else if role.revision < known.configuration.revision() {
        words.push(format!("provisioner of {target} to take up revision {}", known.configuration.revision()));
    } else if role.lag > 0 {
        words.push(format!("provisioner of {target} to take in {}", count(role.lag, "record")));
    } else if due > 0 {
        words.push(format!("{} due in {target}", count(due, "link")));
    }
}

fn joined(known: &Known<'_>, synchronization: &NamedSynchronization, numbers: &Numbers, words: &mut Vec<String>) {
    let name = &synchronization.name;
    let open = numbers.standing("waiting") + numbers.untaken;
    if numbers.undecided > 0 {
        words.push(format!("{name}: {} not decided yet", count(numbers.undecided, "user")));
    }
    if numbers.replayed < known.configuration.basis(&synchronization.source) {
        words.push(format!("{name}: users to be decided again"));
    }
    if open > 0 {
        words.push(format!("{name}: {} not as desired yet", count(open, "link")));
    }
    if numbers.settling_soon > 0 {
        words.push(format!("{name}: {} settling", count(numbers.settling_soon, "loss of scope")));
    }
}

/// Whether an enforced synchronization has nobody in scope though its source has been read and decided on.
pub(super) fn is_scope_empty(known: &Known<'_>, synchronization: &NamedSynchronization, numbers: &Numbers) -> bool {
    let is_enforced = match synchronization.spec.mode {
        Mode::Enforce => true,
        Mode::Observe => false,
    };
    let is_read = known.leader(Role::CHANGE_DETECTOR, &synchronization.source).is_some_and(|role| role.round > 0 && role.lag == 0);
    let is_decided = numbers.undecided == 0 && numbers.replayed >= known.configuration.basis(&synchronization.source);
    is_enforced && is_read && is_decided && known.behind == 0 && !numbers.is_anybody_in_scope
}

impl Known<'_> {
    /// What replicas of a role said recently.
    fn recent(&self, role: Role) -> impl Iterator<Item = &RoleStatus> {
        self.roles.iter().filter(move |status| status.role == role.name() && age(status, self.now) < SILENT)
    }

    /// What the replica that works on a tenant said last.
    fn leader(&self, role: Role, tenant: &TenantName) -> Option<&RoleStatus> {
        let here = self.recent(role).filter(|status| status.leader && status.tenant == tenant.as_str());
        here.min_by_key(|status| age(status, self.now))
    }
}

/// How long ago a role said this.
pub(crate) fn age(status: &RoleStatus, now: Timestamp) -> Duration {
    time("at", status.at).map_or(Duration::MAX, |at| now.since(at))
}

fn targets<'a>(known: &Known<'a>) -> std::collections::BTreeSet<&'a TenantName> {
    known.synchronizations.iter().map(|(synchronization, _)| &synchronization.spec.to).collect()
}

/// `1 user`, `2 users`, `2 losses of scope`.
fn count(n: u64, what: &str) -> String {
    match (n, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (_, Some((first, rest))) => format!("{n} {first}es {rest}"),
        (_, None) => format!("{n} {what}s"),
    }
}

#[cfg(test)]
mod tests;
