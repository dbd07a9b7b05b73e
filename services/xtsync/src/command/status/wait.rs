//! Waits until everything is converged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, timeout_at};
use xtsync_contract::control::{FleetStatus, WatchStatusRequest};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;

use crate::client::{Client, failure, retry_while_unavailable};
use crate::exit;
use crate::output::{Waiting, condition};

/// Cycles that must complete after the command began. Two, because the first may have started before.
const CYCLES: u64 = 2;

/// Watches the status until it is converged. Returns the last status, and an error if it is not converged within `limit`. At least one status
/// is awaited.
pub(crate) async fn until_converged(
    client: &mut Client,
    limit: Duration,
    fresh: bool,
) -> exit::Result<(Option<FleetStatus>, exit::Result)> {
    let deadline = Instant::now() + limit;
    let waiting = Waiting::begin();
    let mut statuses = retry_while_unavailable(limit, async || client.watch_status(WatchStatusRequest {}).await)
        .await
        .map_err(|status| failure(&status))?
        .into_inner();
    let (mut first, mut last, mut waits_for) = (None, None, Vec::<String>::new());
    loop {
        // The first status is awaited beyond the limit: it holds what the command prints.
        let next = match &last {
            None => Ok(statuses.message().await),
            Some(_) => timeout_at(deadline, statuses.message()).await,
        };
        let Ok(next) = next else { break };
        let Some(status) = next.map_err(|status| failure(&status))?.and_then(|next| next.status) else { break };
        let now = cycles(&status);
        let first = first.get_or_insert_with(|| now.clone());
        reset_restarted(first, &now);
        waits_for = status.waiting_for.iter().map(condition::text).collect();
        if fresh {
            waits_for.extend(unread(first, &now));
        }
        if waits_for.is_empty() {
            return Ok((Some(status), Ok(())));
        }
        waiting.waits_for(&waits_for.join(", "));
        last = Some(status);
    }
    Ok((last, Err(exit::Code::NotConverged.because(anyhow!("not converged in time: waiting for {}", waits_for.join(", "))))))
}

/// Completed cycles by source, from the most recent report of a leader: a killed replica's last report still names it as leader. A source
/// without a report has completed none.
fn cycles(status: &FleetStatus) -> BTreeMap<String, u64> {
    let detectors = || status.roles.iter().filter(|role| role.role == Role::CHANGE_DETECTOR.name() && role.leader);
    let reported_at = |role: &&RoleStatus| role.at.map(|at| (at.seconds, at.nanos));
    let holder = |source: &str| detectors().filter(|role| role.tenant == source).max_by_key(reported_at);
    let sources = status.synchronizations.iter().map(|synchronization| &synchronization.source);
    sources.map(|source| (source.clone(), holder(source).map_or(0, |role| role.cycle))).collect()
}

/// Lowers the first count where a counter went back: a detector whose store was restored from a backup counts on from the backup.
fn reset_restarted(first: &mut BTreeMap<String, u64>, now: &BTreeMap<String, u64>) {
    for (tenant, cycle) in first {
        *cycle = now.get(tenant).filter(|now| 0 < **now).map_or(*cycle, |now| (*cycle).min(*now));
    }
}

/// The sources that have not completed [`CYCLES`] cycles since the command began.
fn unread(first: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<String> {
    let unread = first.iter().filter(|(tenant, cycle)| now.get(*tenant).is_none_or(|now| *now < *cycle + CYCLES));
    unread.map(|(tenant, _)| format!("{tenant} to be read once more")).collect()
}

#[cfg(test)]
mod tests {
    use xtsync_contract::control::SynchronizationStatus;
    use xtsync_contract::convert::wire_time;
    use xtsync_domain::Timestamp;

    use super::*;

    #[test]
    fn the_most_recent_leader_status_gives_the_cycle_of_a_source() {
        let reported = |seconds: i64, cycle| RoleStatus {
            role: Role::CHANGE_DETECTOR.name().to_owned(),
            tenant: "emea".to_owned(),
            at: Some(wire_time(Timestamp(seconds * 1_000_000))),
            cycle,
            leader: true,
            ..RoleStatus::default()
        };
        let synchronizations = vec![SynchronizationStatus { source: "emea".to_owned(), ..SynchronizationStatus::default() }];
        let status = FleetStatus {
            roles: vec![reported(10, 83), reported(390, 1246), reported(200, 90)],
            synchronizations,
            ..FleetStatus::default()
        };
        assert_eq!(cycles(&status), BTreeMap::from([("emea".to_owned(), 1246)]));
    }

    #[test]
    fn a_source_is_fresh_after_two_cycles_even_if_its_counter_restarted() {
        let at = |cycle| BTreeMap::from([("emea".to_owned(), cycle)]);
        let mut first = at(90);
        for (cycle, is_read) in [(90, false), (91, false), (92, true), (0, false), (40, false), (41, false), (42, true)] {
            reset_restarted(&mut first, &at(cycle));
            assert_eq!(unread(&first, &at(cycle)).is_empty(), is_read, "cycle {cycle}");
        }
    }
}
