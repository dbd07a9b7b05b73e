//! Waits until all is settled.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, timeout_at};
use xtsync_platform::service::Role;
use xtsync_proto::v1::{Status, WatchStatusRequest};

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
        let first = first.get_or_insert_with(|| rounds(&status));
        waits_for.clone_from(&status.waiting_for);
        if fresh {
            waits_for.extend(unread(first, &rounds(&status)));
        }
        if waits_for.is_empty() {
            return Ok((Some(status), Ok(())));
        }
        waiting.waits_for(&waits_for.join(", "));
        last = Some(status);
    }
    Ok((last, Err(exit::Code::Unsettled.because(anyhow!("not settled in time: waiting for {}", waits_for.join(", "))))))
}

/// Rounds completed, by source. A source that says nothing yet has completed none.
fn rounds(status: &Status) -> BTreeMap<String, u64> {
    let detector =
        |source: &str| status.roles.iter().find(|role| role.role == Role::ChangeDetector.name() && role.leader && role.tenant == source);
    let sources = status.synchronizations.iter().map(|synchronization| &synchronization.source);
    sources.map(|source| (source.clone(), detector(source).map_or(0, |role| role.round))).collect()
}

/// The sources that have not been read once more.
fn unread(first: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<String> {
    let unread = first.iter().filter(|(tenant, round)| now.get(*tenant).is_none_or(|now| *now < *round + ROUNDS));
    unread.map(|(tenant, _)| format!("{tenant} to be read once more")).collect()
}
