//! How long a target gets no writes after its owner is killed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;

use crate::fixture;
use crate::report::Figure;

/// Kills the owner of the target in the middle of the first synchronization.
///
/// # Errors
/// If the fleet does not start, or no replica takes over.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let mut fleet = Fleet::new(fixture::tenants(5_000)?, Plan { replicas: 2, ..fixture::plan() }).await?;
    fleet.start().await?;
    let hub = fleet.sim.tenant(fixture::TARGET).context("no target")?;
    wait_for(Duration::from_secs(120), "the first users", async || Ok((hub.user_count() > 200).then_some(()))).await?;
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
    let lease = fixture::plan().lease_ttl.as_secs_f64();
    let took = next.duration_since(killed).as_secs_f64();
    Ok(vec![Figure::new("failover_s", took, "s", format!("SIGKILL of the owner, lease {lease} s")).against(lease + 5.0)])
}
