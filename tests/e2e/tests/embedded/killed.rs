//! A run that is killed in the middle of the first synchronization resumes, and creates no duplicate.

use anyhow::{Context as _, Result, ensure};
use xtsync_harness::{Signal, wait_for};

use crate::{Instance, SOON};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_resumes() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let instance = Instance::new(400).await?;
    let mut run = instance.start()?;
    instance.configure().await?;
    let hub = instance.sim.tenant("hub").context("hub")?;
    wait_for(SOON, "some people to be there", async || Ok((hub.user_count() > 50).then_some(()))).await?;
    run.signal(Signal::Kill)?;
    run.wait(SOON).await?;
    ensure!(hub.user_count() < 380, "it was killed too late to prove anything");

    let mut run = instance.start()?;
    instance.converge()?;
    let verdict = instance.verify().await?;
    assert_eq!(verdict.wrong, Vec::<String>::new());
    assert!(verdict.present > 380, "{} people", verdict.present);
    let ended = run.end(Signal::Term, SOON).await?;
    ensure!(ended.success(), "it ended with {ended}\n{}", run.tail());
    Ok(())
}
