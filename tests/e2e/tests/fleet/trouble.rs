//! The broker and the database away, at start and later: readiness turns false, work waits, nothing is dropped.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::{EVERYBODY, Sim};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_broker_or_database_turns_readiness_off_and_loses_nothing() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let sim = Sim::builder().tenant("emea", 60).tenant("hub", 0).allow("emea", "hub").seed(7).build()?;
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
    fleet.settle("60s")?;
    ready(&fleet, true).await?;
    assert_eq!(fleet.judge("hub").await?.wrong, Vec::<String>::new());

    for away in ["kafka", "postgres"] {
        match away {
            "kafka" => fleet.kafka.stop().await?,
            _ => fleet.postgres.stop().await?,
        }
        change(&fleet, away)?;
        let what = format!("the provisioner to say that it is not ready without {away}");
        wait_for(SOON, &what, async || Ok((status(&fleet, "provisioner").await == 503).then_some(()))).await?;
        match away {
            "kafka" => fleet.kafka.resume().await?,
            _ => fleet.postgres.resume().await?,
        }
        ready(&fleet, true).await?;
        fleet.settle("60s")?;
        assert_eq!(fleet.judge("hub").await?.wrong, Vec::<String>::new(), "after {away} was away");
    }
    fleet.stop().await
}

fn change(fleet: &Fleet, department: &str) -> Result<()> {
    let home = fleet.sim.tenant("emea").context("emea")?;
    let everybody = *home.groups(EVERYBODY).first().context("no group")?;
    for person in home.members(everybody).into_iter().filter(|id| home.user(*id).is_some()).take(5) {
        home.patch_user(person, &json!({"department": department}))?;
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
