//! A provisioner that is asked to stop hands its target over at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

const SOON: Duration = Duration::from_secs(60);

/// Longest time without a write: the promise is a second; another one is for a machine that has other things to do.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// How many writes by the successor are waited for.
const WRITES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_owner_stops_is_written_by_another_within_a_second() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let sim = Sim::builder().tenant("emea", 1500).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
    // A lease that outlasts the test: only who gives it back lets another in.
    let plan = Plan { replicas: 2, lease_ttl: Duration::from_secs(120), ..Plan::into_one(&["emea"], "hub") };
    let mut fleet = Fleet::new(sim, plan).await?;
    fleet.start().await?;
    let hub = fleet.sim.tenant("hub").context("hub")?;
    wait_for(SOON, "some people", async || Ok((hub.user_count() > 100).then_some(()))).await?;

    let owner = fleet.owner("hub").await?;
    let told = Instant::now();
    fleet.stop_replica("provisioner", owner).await?;
    let ended = Instant::now();
    let sim = fleet.sim.clone();
    let writes = || sim.journal().since(0).into_iter().filter(|entry| *entry.tenant == *"hub" && entry.at >= told).map(|entry| entry.at);
    let what = "writes by the other";
    wait_for(SOON, what, async || Ok((writes().filter(|at| *at > ended).count() >= WRITES).then_some(()))).await?;
    ensure!(fleet.owner("hub").await? != owner, "the owner is another");
    let silences = writes().zip(writes().skip(1)).map(|(one, next)| next.duration_since(one));
    let longest = silences.max().context("no writes")?;
    ensure!(longest <= SILENCE_MAX, "nothing was written for {longest:?}");
    fleet.stop().await
}
