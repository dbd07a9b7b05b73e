//! A store restored from a dump taken 5,000 changes earlier: xtsync recovers later work from the topics and the directories,
//! and creates no duplicate. `XTSYNC_SEED` chooses another run.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_e2e::workload::Workload;
use xtsync_harness::Dir;
use xtsync_tenant_sim::{ALL_USERS, Sim};

use crate::seed;

/// How many changes there are after the dump, and after how many of them everything converges.
const CHANGES: usize = 5_000;
const CHANGES_BETWEEN_CONVERGENCE: usize = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provisioner_with_a_restored_store_creates_no_duplicate() {
    play("provisioner").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_detector_with_a_restored_store_loses_no_user_and_keeps_no_leaver() {
    play("change-detector").await.unwrap();
}

async fn play(role: &'static str) -> Result<()> {
    let sim = Sim::builder().tenant("emea", 1500).tenant("hub", 0).allow("emea", "hub").seed(seed()).build()?;
    let mut fleet = Fleet::new(sim, Plan::into_one(&["emea"], "hub")).await?;
    fleet.start().await?;
    fleet.converge("120s")?;
    let folder = Dir::new()?;
    let dump = folder.join("dump");
    fleet.dump(role, &dump).await?;
    let before = people(&fleet)?;

    let mut workload = Workload::new(&fleet.sim, &["emea"], seed())?;
    while workload.changes_made() < CHANGES {
        workload.apply_change()?;
        if workload.changes_made() % CHANGES_BETWEEN_CONVERGENCE == 0 {
            fleet.converge("120s")?;
        }
    }
    fleet.stop_replica(role, 0).await?;
    leave(&fleet, &before)?;
    fleet.restore(role, &dump).await?;
    fleet.start_replica(role, 0)?;

    fleet.converge("120s")?;
    let verdict = fleet.verify("hub").await?;
    assert_eq!(verdict.wrong, Vec::<String>::new(), "seed {}: {}", seed(), fleet.stored(&verdict.wrong).await?);
    ensure!(verdict.present > 1_400, "{} people", verdict.present);
    let written = fleet.sim.journal_len("hub");
    fleet.converge("30s")?;
    assert_eq!(fleet.sim.journal_len("hub"), written, "writes to the target after convergence");
    fleet.stop().await
}

/// While no detector runs, users leave: some of them are in the dump, others are not.
fn leave(fleet: &Fleet, before: &BTreeSet<Uuid>) -> Result<()> {
    let home = fleet.sim.tenant("emea").context("emea")?;
    let now = people(fleet)?;
    let (known, unknown): (Vec<Uuid>, Vec<Uuid>) = now.into_iter().partition(|id| before.contains(id));
    ensure!(unknown.len() > 10, "{} were hired", unknown.len());
    for people in [&known, &unknown] {
        home.delete_user(people[0])?;
        home.remove_member(*home.groups(ALL_USERS).first().context("no group")?, people[1])?;
        home.patch_user(people[2], &json!({"accountEnabled": false}))?;
        home.patch_user(people[3], &json!({"department": "Legal"}))?;
    }
    Ok(())
}

/// All users of the group.
fn people(fleet: &Fleet) -> Result<BTreeSet<Uuid>> {
    let home = fleet.sim.tenant("emea").context("emea")?;
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    Ok(home.members(group).into_iter().filter(|id| home.user(*id).is_some()).collect())
}
