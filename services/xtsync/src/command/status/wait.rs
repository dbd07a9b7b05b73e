//! Waits until all is settled.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, timeout_at};
use xtsync_contract::control::{Status, WatchStatusRequest};
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;

use crate::client::{Client, failure, patiently};
use crate::exit;
use crate::output::Waiting;

/// Rounds that must complete after the command began: the first one may have begun before.
const ROUNDS: u64 = 2;

/// Follows the status until it is settled; gives the last one, and whether it was in time.
pub(crate) async fn until_settled(client: &mut Client, limit: Duration, fresh: bool) -> exit::Result<(Option<Status>, exit::Result)> {
    let deadline = Instant::now() + limit;
    let waiting = Waiting::begin();
    let mut statuses =
        patiently(limit, async || client.watch_status(WatchStatusRequest {}).await).await.map_err(|status| failure(&status))?.into_inner();
    let (mut first, mut last, mut waits_for) = (None, None, Vec::new());
    loop {
        let Ok(next) = timeout_at(deadline, statuses.message()).await else { break };
        let Some(status) = next.map_err(|status| failure(&status))?.and_then(|next| next.status) else { break };
        let now = rounds(&status);
        let first = first.get_or_insert_with(|| now.clone());
        begin_anew(first, &now);
        waits_for.clone_from(&status.waiting_for);
        if fresh {
            waits_for.extend(unread(first, &now));
        }
        if waits_for.is_empty() {
            return Ok((Some(status), Ok(())));
        }
        waiting.waits_for(&waits_for.join(", "));
        last = Some(status);
    }
    Ok((last, Err(exit::Code::Unsettled.because(anyhow!("not settled in time: waiting for {}", waits_for.join(", "))))))
}

/// Rounds completed, by source, as whoever holds it said last: one that was killed stays a holder by its own last word. A source that says
/// nothing yet has completed none.
fn rounds(status: &Status) -> BTreeMap<String, u64> {
    let detectors = || status.roles.iter().filter(|role| role.role == Role::CHANGE_DETECTOR.name() && role.leader);
    let said_at = |role: &&RoleStatus| role.at.map(|at| (at.seconds, at.nanos));
    let holder = |source: &str| detectors().filter(|role| role.tenant == source).max_by_key(said_at);
    let sources = status.synchronizations.iter().map(|synchronization| &synchronization.source);
    sources.map(|source| (source.clone(), holder(source).map_or(0, |role| role.round))).collect()
}

/// A detector whose store was restored from a backup counts its rounds from there.
fn begin_anew(first: &mut BTreeMap<String, u64>, now: &BTreeMap<String, u64>) {
    for (tenant, round) in first {
        *round = now.get(tenant).filter(|now| 0 < **now).map_or(*round, |now| (*round).min(*now));
    }
}

/// The sources that have not been read once more.
fn unread(first: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<String> {
    let unread = first.iter().filter(|(tenant, round)| now.get(*tenant).is_none_or(|now| *now < *round + ROUNDS));
    unread.map(|(tenant, _)| format!("{tenant} to be read once more")).collect()
}

#[cfg(test)]
mod tests {
    use xtsync_contract::control::SynchronizationStatus;
    use xtsync_contract::convert::wire_time;
    use xtsync_domain::Timestamp;

    use super::*;

    #[test]
    fn whoever_said_last_that_he_holds_a_source_knows_its_rounds() {
        let said = |seconds: i64, round| RoleStatus {
            role: Role::CHANGE_DETECTOR.name().to_owned(),
            tenant: "emea".to_owned(),
            at: Some(wire_time(Timestamp(seconds * 1_000_000))),
            round,
            leader: true,
            ..RoleStatus::default()
        };
        let synchronizations = vec![SynchronizationStatus { source: "emea".to_owned(), ..SynchronizationStatus::default() }];
        let status = Status { roles: vec![said(10, 83), said(390, 1246), said(200, 90)], synchronizations, ..Status::default() };
        assert_eq!(rounds(&status), BTreeMap::from([("emea".to_owned(), 1246)]));
    }

    #[test]
    fn two_rounds_after_the_first_look_a_source_has_been_read_also_where_its_count_went_back() {
        let at = |round| BTreeMap::from([("emea".to_owned(), round)]);
        let mut first = at(90);
        for (round, is_read) in [(90, false), (91, false), (92, true), (0, false), (40, false), (41, false), (42, true)] {
            begin_anew(&mut first, &at(round));
            assert_eq!(unread(&first, &at(round)).is_empty(), is_read, "round {round}");
        }
    }
}
