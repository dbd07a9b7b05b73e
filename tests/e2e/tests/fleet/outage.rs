//! The broker and the database away, at start and later for a minute: readiness turns false, work waits, nothing is dropped.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_e2e::workload::Workload;
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

const SOON: Duration = Duration::from_secs(60);

/// How often something changes in the source while something is away.
const PACE: Duration = Duration::from_millis(200);

/// For how many changes it is away: a minute.
const CHANGES_PER_OUTAGE: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unavailable_broker_or_database_makes_roles_unready_and_loses_nothing() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let sim = Sim::builder().tenant("emea", 300).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
    let mut fleet = Fleet::new(sim, Plan::into_one(&["emea"], "hub")).await?;
    fleet.create_topics()?;
    fleet.kafka.stop().await?;
    for role in ROLES {
        fleet.start_replica(role, 0)?;
    }
    ready(&fleet, false).await?;
    fleet.kafka.resume().await?;
    fleet.until_control_answers().await?;
    wait_for(SOON, "the configuration to be accepted", async || Ok(fleet.apply().is_ok().then_some(()))).await?;
    fleet.converge("60s")?;
    ready(&fleet, true).await?;
    assert_eq!(fleet.verify("hub").await?.wrong, Vec::<String>::new());

    let mut workload = Workload::new(&fleet.sim, &["emea"], 7)?;
    for away in ["kafka", "postgres"] {
        match away {
            "kafka" => fleet.kafka.stop().await?,
            _ => fleet.postgres.stop().await?,
        }
        apply_changes(&mut workload).await?;
        let what = format!("the provisioner to say that it is not ready without {away}");
        wait_for(SOON, &what, async || Ok((status(&fleet, "provisioner").await == 503).then_some(()))).await?;
        match away {
            "kafka" => fleet.kafka.resume().await?,
            _ => fleet.postgres.resume().await?,
        }
        ready(&fleet, true).await?;
        fleet.converge("60s")?;
        assert_eq!(fleet.verify("hub").await?.wrong, Vec::<String>::new(), "after {away} was away");
    }
    fleet.stop().await
}

/// What goes on in the source for a minute.
async fn apply_changes(workload: &mut Workload) -> Result<()> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..CHANGES_PER_OUTAGE {
        pace.tick().await;
        workload.apply_change()?;
    }
    Ok(())
}

async fn ready(fleet: &Fleet, wanted: bool) -> Result<()> {
    for role in ROLES {
        let what = format!("{role} to be {}ready", if wanted { "" } else { "not " });
        wait_for(SOON, &what, async || Ok(((status(fleet, role).await == 200) == wanted).then_some(()))).await?;
    }
    Ok(())
}

async fn status(fleet: &Fleet, role: &str) -> u16 {
    fleet.ask(role, "/readyz").await.map_or(0, |(status, _)| status)
}
