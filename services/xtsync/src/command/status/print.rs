//! The status as a table and as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xtsync_contract::control::{Condition, FleetStatus, Pending, SynchronizationStatus};
use xtsync_contract::convert::time;
use xtsync_contract::internal::RoleStatus;
use xtsync_domain::Timestamp;

use super::remedy;
use crate::output::{self, condition};
use crate::run::role_entry;

/// The status as text.
pub(super) fn as_text(status: &FleetStatus) -> String {
    let verdict = if status.converged { output::good("converged") } else { output::notable("not converged") };
    let mut text = format!("revision {}, {verdict}\n", status.revision);
    status.waiting_for.iter().for_each(|what| text.push_str(&format!("  waiting for {}\n", condition::text(what))));
    status.warnings.iter().for_each(|what| text.push_str(&format!("  {} {}\n", output::notable("warning:"), warning(what))));
    if !status.synchronizations.is_empty() {
        text.push('\n');
        text.push_str(&synchronizations(&status.synchronizations));
        status.synchronizations.iter().for_each(|one| text.push_str(&name_resolution(one)));
        for (one, at) in status.synchronizations.iter().filter_map(|one| Some((one, time("refused_next_try", one.refused_next_try).ok()?)))
        {
            text.push_str(&format!("{}: {} refused by the target, retried at {at}\n", one.name, one.refused));
        }
        for one in status.synchronizations.iter().filter(|one| one.address_differs > 0) {
            text.push_str(&format!(
                "{}: shadow users with a pending invitation to a former address (address_differs): {}\n",
                one.name, one.address_differs
            ));
        }
    }
    if !status.roles.is_empty() {
        text.push('\n');
        text.push_str(&roles(status));
    }
    text.push_str(&remedies(status));
    text
}

fn synchronizations(all: &[SynchronizationStatus]) -> String {
    const HEADER: [&str; 12] =
        ["SYNCHRONIZATION", "FROM", "TO", "MODE", "PRESENT", "DISABLED", "DELETED", "WAITING", "GRACE", "HELD", "CONFLICTS", "REFUSED"];
    let row = |one: &SynchronizationStatus| {
        let held = if one.blocked.is_empty() { one.held.to_string() } else { format!("{} ({})", one.held, one.blocked) };
        let numbers = [one.present, one.disabled, one.deleted, one.waiting + one.undecided, one.in_grace_period].map(|n| n.to_string());
        let problem_counts = [held, one.conflicts.to_string(), one.refused.to_string()];
        [&one.name, &one.source, &one.target, &one.mode].into_iter().cloned().chain(numbers).chain(problem_counts).collect()
    };
    output::table(&HEADER, all.iter().map(row))
}

/// A warning, with its Tenant.
fn warning(warning: &Condition) -> String {
    let tenant = warning.parameters.get("tenant").map(|tenant| format!("Tenant {tenant}: ")).unwrap_or_default();
    format!("{tenant}{}", condition::text(warning))
}

/// The pending names of a synchronization, and the notices about its groups.
fn name_resolution(one: &SynchronizationStatus) -> String {
    let in_force = condition::optional_text(&one.in_force);
    let reason = |pending: &Pending| condition::optional_text(&pending.condition);
    let pending = one.pending.iter().map(|pending| format!("pending: {}: {}; {in_force}", pending.path, reason(pending)));
    let notices = one.notices.iter().map(|notice| format!("{}: {}", notice.path, condition::optional_text(&notice.condition)));
    pending.chain(notices).map(|line| format!("  {}: {}\n", one.name, output::notable(&line))).collect()
}

fn roles(status: &FleetStatus) -> String {
    let row = |role: &RoleStatus| {
        let age = match (time("at", status.at), time("at", role.at)) {
            (Ok(now), Ok(at)) => format!("{}s", now.since(at).as_secs()),
            (_, _) => "-".to_owned(),
        };
        let tenant = if role.tenant.is_empty() { "-" } else { &role.tenant };
        vec![role.role.clone(), role.replica.clone(), tenant.to_owned(), age, activity(role, time("at", status.at).ok())]
    };
    output::table(&["ROLE", "REPLICA", "TENANT", "LAST SEEN", "ACTIVITY"], status.roles.iter().map(row))
}

/// The remedy for each code that the status shows, once.
fn remedies(status: &FleetStatus) -> String {
    let held = |role: &'_ RoleStatus| role.held.keys().cloned().collect::<Vec<_>>();
    let warnings = |role: &'_ RoleStatus| role.warning.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let verbs = |role: &'_ RoleStatus| role.blocked_verbs.iter().map(|verb| verb.code.clone()).collect::<Vec<_>>();
    let of_roles = status.roles.iter().flat_map(|role| [vec![role.blocked.clone()], warnings(role), held(role), verbs(role)].concat());
    let codes: BTreeSet<String> = status.synchronizations.iter().map(|one| one.blocked.clone()).chain(of_roles).collect();
    let lines = codes.into_iter().filter_map(|code| remedy::of(&code).map(|remedy| format!("{code}: {remedy}\n")));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// The current activity of a role, as text.
fn activity(role: &RoleStatus, now: Option<Timestamp>) -> String {
    let mut parts = Vec::new();
    if !role.blocked.is_empty() {
        let cause = if role.cause.is_empty() { String::new() } else { format!(" ({})", role.cause) };
        parts.push(format!("blocked: {}{cause}", role.blocked));
    }
    if let (Ok(next), Some(now)) = (time("next_try", role.next_try), now) {
        parts.push(format!("tries again in {}s", next.since(now).as_secs()));
    }
    let verbs = role.blocked_verbs.iter().map(|verb| (&verb.code, time("next_try", verb.next_try).ok()));
    parts.extend(verbs.map(|(code, next)| format!("blocked verb: {code}{}", next_try(next, now))));
    if !role.warning.is_empty() {
        parts.push(format!("warning: {}", role.warning));
    }
    if role.republishing {
        parts.push("republishing".to_owned());
    }
    if role.cycle > 0 {
        parts.push(format!("cycle {}", role.cycle));
    }
    for (what, n) in [("lag", role.lag), ("degraded", role.degraded)] {
        if n > 0 {
            parts.push(format!("{what} {n}"));
        }
    }
    parts.extend(role.pending.iter().filter(|(_, n)| **n > 0).map(|(class, n)| format!("{class} {n}")));
    parts.extend(role.held.iter().filter(|(_, n)| **n > 0).map(|(reason, n)| format!("held {n}: {reason}")));
    // A role that this program does not know belongs to a newer version.
    let has_leader = role_entry(&role.role).is_none_or(|entry| entry.manifest.has_leader());
    let stands_by = has_leader && !role.leader;
    if parts.is_empty() && stands_by { "stands by".to_owned() } else { parts.join(", ") }
}

/// The time until the next try, in seconds.
fn next_try(then: Option<Timestamp>, now: Option<Timestamp>) -> String {
    match (then, now) {
        (Some(then), Some(now)) if now < then => format!(" (next try in {}s)", then.since(now).as_secs().max(1)),
        (Some(_), Some(_)) => " (next try now)".to_owned(),
        (_, _) => String::new(),
    }
}

/// The status as JSON.
pub(super) fn as_json(status: &FleetStatus) -> Value {
    json!({
        "at": time("at", status.at).map(|at| at.to_string()).ok(),
        "revision": status.revision,
        "converged": status.converged,
        "waiting_for": status.waiting_for.iter().map(condition::as_json).collect::<Vec<_>>(),
        "warnings": status.warnings.iter().map(condition::as_json).collect::<Vec<_>>(),
        "synchronizations": status.synchronizations.iter().map(synchronization).collect::<Vec<_>>(),
        "roles": status.roles.iter().map(role).collect::<Vec<_>>(),
    })
}

fn synchronization(one: &SynchronizationStatus) -> Value {
    let counts = one.counts.unwrap_or_default();
    json!({
        "name": one.name, "source": one.source, "target": one.target, "mode": one.mode,
        "present": one.present, "disabled": one.disabled, "deleted": one.deleted,
        "undecided": one.undecided, "waiting": one.waiting, "in_grace_period": one.in_grace_period,
        "held": one.held, "conflicts": one.conflicts, "refused": one.refused, "blocked": one.blocked,
        "pending": one.pending.iter().map(output::pending).collect::<Vec<_>>(),
        "in_force": one.in_force.as_ref().map(condition::as_json), "notices": one.notices.iter().map(output::notice).collect::<Vec<_>>(),
        "address_differs": one.address_differs,
        "refused_next_try": time("refused_next_try", one.refused_next_try).map(|at| at.to_string()).ok(),
        "counts": {
            "created": counts.created, "updated": counts.updated, "disabled": counts.disabled, "enabled": counts.enabled,
            "deleted": counts.deleted, "restored": counts.restored, "failed": counts.failed,
        },
    })
}

fn role(role: &RoleStatus) -> Value {
    json!({
        "role": role.role, "replica": role.replica, "tenant": role.tenant, "leader": role.leader,
        "at": time("at", role.at).map(|at| at.to_string()).ok(),
        "revision": role.revision, "cycle": role.cycle, "lag": role.lag,
        "pending": role.pending, "held": role.held, "degraded": role.degraded, "blocked": role.blocked, "warning": role.warning,
        "republishing": role.republishing, "cause": role.cause,
        "next_try": role.next_try.and_then(|at| time("next_try", Some(at)).ok()).map(|at| at.to_string()),
        "blocked_verbs": role.blocked_verbs.iter().map(|verb| {
            json!({ "code": verb.code, "next_try": time("next_try", verb.next_try).map(|at| at.to_string()).ok() })
        }).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use xtsync_contract::convert::wire_time;

    use super::*;

    #[test]
    fn each_code_with_a_remedy_is_shown_once() {
        let blocked = |blocked: &str| SynchronizationStatus { blocked: blocked.to_owned(), ..SynchronizationStatus::default() };
        let at = |seconds: i64| Some(wire_time(Timestamp(seconds * 1_000_000)));
        let role = |blocked: &str| RoleStatus { blocked: blocked.to_owned(), ..RoleStatus::default() };
        let status = FleetStatus {
            synchronizations: vec![blocked("sync_not_allowed"), blocked("sync_not_allowed"), blocked("")],
            roles: vec![
                RoleStatus { cause: "graph.test: connection refused".to_owned(), next_try: at(112), ..role("away") },
                role("throttled"),
            ],
            at: at(100),
            ..FleetStatus::default()
        };
        let text = as_text(&status);
        assert!(text.contains("blocked: away (graph.test: connection refused), tries again in 12s"), "{text}");
        let remedies: Vec<&str> =
            text.rsplit_once("\n\n").unwrap().1.lines().filter_map(|line| line.split_once(": ")).map(|(code, _)| code).collect();
        assert_eq!(remedies, ["away", "sync_not_allowed"], "{text}");
    }
}
