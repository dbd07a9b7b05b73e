//! How long a target gets no writes after its owner is killed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::time::sleep;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;

use crate::fixture;
use crate::report::Figure;

/// When the owner is killed, as shares of the time between two renewals, which is a third of a lease: the sooner after one, the longer the
/// lease lasts.
const PHASES: [f64; 3] = [0.0, 1.0 / 3.0, 2.0 / 3.0];

/// Kills the owner of the target in the middle of the first synchronization, at some moments between two renewals; the longest pause counts.
///
/// # Errors
/// If the fleet does not start, or no replica takes over.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let lease = fixture::plan().lease_ttl.as_secs_f64();
    let mut took = Vec::new();
    for phase in PHASES {
        took.push(pause(Duration::from_secs_f64(lease / 3.0 * phase)).await?);
    }
    let all: Vec<String> = took.iter().map(|took| format!("{took:.1}")).collect();
    let note = format!("SIGKILL of the owner, lease {lease} s, the longest of {} s", all.join(", "));
    Ok(vec![Figure::new("failover_s", took.into_iter().fold(0.0, f64::max), "s", note).against(lease + 5.0)])
}

/// The seconds without a write when the owner is killed that long after the first users.
async fn pause(wait: Duration) -> Result<f64> {
    let mut fleet = Fleet::new(fixture::tenants(5_000)?, Plan { replicas: 2, ..fixture::plan() }).await?;
    fleet.start().await?;
    let hub = fleet.sim.tenant(fixture::TARGET).context("no target")?;
    wait_for(Duration::from_secs(120), "the first users", async || Ok((hub.user_count() > 200).then_some(()))).await?;
    sleep(wait).await;
    let owner = fleet.owner(fixture::TARGET).await?;
    fleet.kill("provisioner", owner).await?;
    let killed = Instant::now();
    // What it had sent may still be carried out for a moment.
    let grace = Duration::from_millis(500);
    let sim = fleet.sim.clone();
    let next = wait_for(Duration::from_secs(120), "the next write", async || {
        let entries = sim.journal().since(0);
        Ok(entries.iter().rev().take_while(|entry| entry.at > killed + grace).map(|entry| entry.at).last())
    })
    .await?;
    Ok(next.duration_since(killed).as_secs_f64())
}
