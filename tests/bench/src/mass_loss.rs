//! Users leave behind thousands who lose the scope at once.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::ALL_USERS;

use crate::fixture::{self, TARGET};
use crate::report::{Figure, Goal};

/// The users who leave, and the time between two of them.
const LEAVERS: usize = 40;
const PACE: Duration = Duration::from_millis(100);

/// How many of the deletions are seen before the first user leaves.
const BEGUN: usize = 20;

/// Times users who are disabled while `losing` others, who all lost the scope at once, are deleted.
///
/// # Errors
/// If the fleet does not come up, a leaver keeps access, or the others were deleted before the last leaver.
pub(crate) async fn measure(losing: usize) -> Result<Vec<Figure>> {
    let (_, all) = fixture::users(&fixture::tenants(losing)?)?;
    // A few users of a simulated source are disabled, or guests, and in no scope.
    let spare = losing - all.len() + LEAVERS;
    let mut fleet = Fleet::new(fixture::tenants(losing + 2 * spare)?, plan(losing)).await?;
    fleet.start().await?;
    fleet.converge(fixture::LONG)?;
    let (home, users) = fixture::users(&fleet.sim)?;
    ensure!(users.len() >= losing + LEAVERS, "{} users are in scope", users.len());
    let (leavers, others) = users.split_at(LEAVERS);
    let hub = fleet.sim.tenant(TARGET).context("no target")?;
    let before = hub.user_count();
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    for user in &others[..losing] {
        home.remove_member(group, *user)?;
    }
    wait_for(Duration::from_secs(300), "the first deletions", async || Ok((hub.user_count() + BEGUN < before).then_some(()))).await?;
    let leavers: Vec<Uuid> = leavers.to_vec();
    let changes = fixture::change(&fleet.sim, leavers.into_iter(), ("accountEnabled", false.into()), PACE).await?;
    let took = changes.propagated(&fleet.sim, Duration::from_secs(120)).await?;
    let waiting = (losing + hub.user_count()).saturating_sub(before);
    ensure!(waiting > 0, "the others were deleted before the last user who left");
    fleet.stop().await?;
    let note = format!("{LEAVERS} disabled behind {losing} who lost the scope at once, {waiting} of them still there at the end");
    let figure = Figure::new("leaver_overtakes_p99_ms_behind_lost_scopes", fixture::percentile_ms(&took, 0.99), "ms", note);
    Ok(vec![figure.goal(Goal::AtMost(500.0))])
}

/// The default setup, where nothing holds those who lose the scope.
fn plan(losing: usize) -> Plan {
    Plan {
        poll: Duration::from_secs(30),
        lease_ttl: Duration::from_secs(10),
        notified: true,
        grace: Duration::ZERO,
        limits: format!("scopeLoss: allow, delete: {}", losing + 1),
        ..fixture::plan()
    }
}
