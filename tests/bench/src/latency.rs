//! From a commit in the source to the commit in the target, one change at a time and beside a backlog.

use std::time::Duration;

use anyhow::Result;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::{FaultProfile, Throttle};

use crate::collector::Collector;
use crate::report::{Figure, Goal, Report};
use crate::{fixture, stages};

/// Between two changes: 50 a second.
const PACE: Duration = Duration::from_millis(20);

/// Changes that are timed.
const CHANGES: usize = 1_000;

/// Changes that are followed through their stages.
const STAGED: usize = 500;

/// The creates that wait while users leave, and the users who leave.
const WAITING: usize = 5_000;
const LEAVERS: usize = 40;

/// Replicas of each role, so that most changes pass from one process to another of the same role.
const REPLICAS: usize = 2;

/// 50 changes a second on a tenant that is synchronized: where the holder of the source's lease receives the notifications, and where
/// another replica does.
///
/// # Errors
/// If the fleet does not come up or loses a change.
pub(crate) async fn changes() -> Result<Vec<Figure>> {
    let mut fleet = Fleet::new(fixture::tenants(3_000)?, plan(None)).await?;
    fleet.start().await?;
    fleet.converge("300s")?;
    notify_holder(&mut fleet, true).await?;
    let by_holder = run(&fleet, CHANGES, "Latency").await?;
    notify_holder(&mut fleet, false).await?;
    let by_other = run(&fleet, CHANGES, "Further latency").await?;
    fleet.stop().await?;
    let note = |receives: &str| format!("{CHANGES} changes at 50/s, {REPLICAS} replicas a role, notifications to {receives}");
    let (holder, other) = (note("the holder of the lease"), note("another replica"));
    let figure = |name, took: &[Duration], part, note: &str| Figure::new(name, fixture::percentile_ms(took, part), "ms", note);
    Ok(vec![
        figure("change_to_target_p50_ms", &by_holder, 0.5, &holder).goal(Goal::AtMost(12.0)),
        figure("change_to_target_p99_ms", &by_holder, 0.99, &holder).goal(Goal::AtMost(50.0)),
        figure("change_to_target_p50_ms_by_other_replica", &by_other, 0.5, &other),
        figure("change_to_target_p99_ms_by_other_replica", &by_other, 0.99, &other),
    ])
}

/// The same, where the roles export their spans, which costs a little: where the time goes.
///
/// # Errors
/// If the fleet does not come up, or most changes cannot be followed.
pub(crate) async fn stages() -> Result<Report> {
    let (collector, address) = Collector::start().await?;
    let mut fleet = Fleet::new(fixture::tenants(1_000)?, plan(Some(address))).await?;
    fleet.start().await?;
    fleet.converge("300s")?;
    notify_holder(&mut fleet, true).await?;
    let since = fleet.sim.journal().last();
    run(&fleet, STAGED, "Stages").await?;
    fleet.converge("60s")?;
    let (_, users) = fixture::users(&fleet.sim)?;
    collector.until_quiet().await?;
    fleet.stop().await?;
    let stages = stages::of(&fleet, &users[..STAGED], since, &collector.spans())?;
    Ok(Report { figures: Vec::new(), breakdowns: vec![stages] })
}

fn plan(collector: Option<String>) -> Plan {
    Plan { notified: true, replicas: REPLICAS, collector, ..fixture::plan() }
}

/// How long each of the changes took.
async fn run(fleet: &Fleet, count: usize, department: &str) -> Result<Vec<Duration>> {
    let (_, users) = fixture::users(&fleet.sim)?;
    let changes = fixture::change(&fleet.sim, users.into_iter().take(count), ("department", department.into()), PACE).await?;
    changes.propagated(&fleet.sim, Duration::from_secs(60)).await
}

/// Sees to it that the replica that receives the notifications, which is the first, holds the source's lease or does not.
async fn notify_holder(fleet: &mut Fleet, wanted: bool) -> Result<()> {
    const ROLE: &str = "change-detector";
    let lease = format!("detector/{}", fixture::SOURCE);
    let holder = fleet.holder(ROLE, &lease).await?;
    if (holder == 0) != wanted {
        fleet.stop_replica(ROLE, holder).await?;
        let is_other = async || Ok(fleet.holder(ROLE, &lease).await.is_ok_and(|now| now != holder).then_some(()));
        xtsync_harness::wait_for(Duration::from_secs(60), "another holder", is_other).await?;
        fleet.start_replica(ROLE, holder)?;
    }
    fleet.converge("60s")
}

/// Users are disabled while thousands wait to be created in a target that allows 20 writes a second.
///
/// # Errors
/// If the fleet does not come up or a leaver is lost.
pub(crate) async fn leavers() -> Result<Vec<Figure>> {
    let mut fleet = Fleet::new(fixture::tenants(500)?, fixture::plan()).await?;
    fleet.start().await?;
    fleet.converge("300s")?;
    let (home, users) = fixture::users(&fleet.sim)?;
    let throttle = Some(Throttle::documented().with_writes(20, 1));
    fleet.sim.set_fault_profile(FaultProfile { seed: 7, throttle, ..FaultProfile::default() });
    for number in 0..WAITING {
        fixture::join(&home, number)?;
    }
    // The backlog stands when the first of it are there.
    let hub = fleet.sim.tenant(fixture::TARGET).ok_or_else(|| anyhow::anyhow!("no target"))?;
    let before = hub.user_count();
    xtsync_harness::wait_for(Duration::from_secs(60), "the backlog", async || Ok((hub.user_count() > before + 100).then_some(()))).await?;
    let pace = Duration::from_millis(500);
    let changes = fixture::change(&fleet.sim, users.into_iter().take(LEAVERS), ("accountEnabled", false.into()), pace).await?;
    let took = changes.propagated(&fleet.sim, Duration::from_secs(120)).await?;
    let waiting = WAITING + before - hub.user_count();
    let note = format!("{LEAVERS} disabled while {waiting} creates waited, 20 writes/s");
    Ok(vec![Figure::new("leaver_overtakes_p99_ms", fixture::percentile_ms(&took, 0.99), "ms", note).goal(Goal::AtMost(200.0))])
}
