//! The status of one target, published on the bus and never requested.

use std::sync::Arc;

use tokio::time::{Instant, sleep};
use tracing::warn;
use xtsync_contract::convert::wire_time;
use xtsync_contract::internal;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::topic;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::supervise::TaskState;
use xtsync_runtime::telemetry::chain;
use xtsync_service::consumer::lag;

use crate::error::Result;
use crate::owned_target::OwnedTarget;
use crate::owned_target::breaker::{BlockedVerb, Lane};
use crate::table::work::{self, Counts};
use crate::{directory_change, follow};

/// Looks again and again, until the shutdown.
pub(crate) async fn run(owned: Arc<OwnedTarget>, shutdown: Shutdown) {
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        if let Err(error) = step(&owned).await {
            warn!(target = %owned.target, error = chain(&error), "the status is not known");
        }
        // Counting a long queue takes a while: it may take a twentieth of the time, no more.
        shutdown.or(sleep((owned.context.config.poll * 2).max(began.elapsed() * 20))).await;
    }
}

/// Records the state of a task of the worker, and publishes it at once, because the task that publishes may be the failed one.
pub(crate) fn report_task(owned: &OwnedTarget, task: &'static str, stage: TaskState) {
    match stage {
        TaskState::Recovered => drop(owned.failed().remove(task)),
        TaskState::Down | TaskState::Restarted => drop(owned.failed().insert(task, stage)),
    }
    if stage == TaskState::Down {
        let context = &owned.context;
        context.status.set(RoleStatus {
            tenant: owned.target.to_string(),
            revision: context.configuration().revision(),
            blocked: panicked(task),
            leader: owned.lease.held().is_some(),
            ..RoleStatus::default()
        });
    }
}

/// The code that reports a task that panicked.
fn panicked(task: &str) -> String {
    format!("panicked_{task}")
}

/// A task that waits to be started again, and one that failed not long ago, each by its code; empty where there is none.
fn failures(owned: &OwnedTarget) -> (String, String) {
    let failed = owned.failed();
    let down = failed.iter().find(|(_, stage)| **stage == TaskState::Down).map(|(task, _)| panicked(task));
    let recently_failed = failed.keys().next().map(|task| panicked(task));
    (down.unwrap_or_default(), recently_failed.unwrap_or_default())
}

/// Reads the status once. Only the owner counts links; other replicas report their presence.
pub(crate) async fn step(owned: &OwnedTarget) -> Result<RoleStatus> {
    let context = &owned.context;
    if follow::refresh_observe_only(context, &owned.target).await? {
        owned.wake.notify_one();
    }
    let held = owned.lease.held();
    if let Some(epoch) = held.filter(|_| owned.is_reconciled()) {
        directory_change::record(owned, epoch).await?;
    }
    let is_leader = held.is_some();
    let decisions = topic::DECISIONS.of(&owned.target);
    let (counts, lag) = match is_leader {
        true => {
            let counts = work::counts(&context.store, &owned.target, context.now()).await?;
            (counts, lag(&context.store, &context.parts.bus, &[decisions]).await?)
        }
        false => (Counts::default(), 0),
    };
    let now = context.now();
    let (next_try, blocked_verbs) = {
        let breaker = owned.breaker();
        (breaker.open_until(Lane::Others, now), breaker.blocked_verbs())
    };
    let blocked = |verb: BlockedVerb| internal::BlockedVerb { code: verb.code, next_try: Some(wire_time(verb.until)) };
    let (down, warning) = failures(owned);
    let status = RoleStatus {
        tenant: owned.target.to_string(),
        revision: context.configuration().revision(),
        lag,
        pending: counts.pending.into_iter().map(|(class, count)| (class.to_owned(), count)).collect(),
        held: counts.held,
        degraded: counts.degraded,
        blocked: if down.is_empty() { owned.stopped() } else { down },
        warning,
        leader: is_leader,
        next_try: next_try.map(wire_time),
        blocked_verbs: blocked_verbs.into_iter().map(blocked).collect(),
        republishing: owned.republish().is_under_way,
        ..RoleStatus::default()
    };
    context.status.set(status.clone());
    Ok(status)
}
