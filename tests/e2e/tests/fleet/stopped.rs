//! A provisioner that is asked to stop hands its target over at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

const SOON: Duration = Duration::from_secs(60);

/// How many writes by the successor are waited for.
const WRITES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_owner_stops_is_written_by_another_long_before_the_lease_would_end() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let sim = Sim::builder().tenant("emea", 1500).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
    // The lease outlasts the test: another replica gets it only if the owner releases it.
    let plan = Plan { replicas: 2, lease_ttl: Duration::from_secs(120), ..Plan::into_one(&["emea"], "hub") };
    let mut fleet = Fleet::new(sim, plan).await?;
    fleet.start().await?;
    let hub = fleet.sim.tenant("hub").context("hub")?;
    wait_for(SOON, "some people", async || Ok((hub.user_count() > 100).then_some(()))).await?;

    let owner = fleet.owner("hub").await?;
    fleet.stop_replica("provisioner", owner).await?;
    let ended = Instant::now();
    let sim = fleet.sim.clone();
    let writes = || sim.journal().since(0).into_iter().filter(|entry| *entry.tenant == *"hub" && entry.at > ended);
    wait_for(SOON, "writes by the other", async || Ok((writes().count() >= WRITES).then_some(()))).await?;
    ensure!(fleet.owner("hub").await? != owner, "the owner is another");
    fleet.stop().await
}
