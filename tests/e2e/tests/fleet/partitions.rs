//! A tenant's topics get another number of partitions, by the steps of docs/partitions.md, while its users change.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::{Value, json};
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::{ALL_USERS, Sim, TenantHandle};

use crate::seed;

/// The topics of each tenant.
const KINDS: [&str; 5] = ["user-deltas", "tenant-facts", "decisions", "links", "outcomes"];

const TENANTS: [&str; 2] = ["emea", "hub"];

/// The longest wait for a broker or a role.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_get_another_number_of_partitions_and_no_user_is_lost() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let sim = Sim::builder().tenant("emea", 200).tenant("hub", 0).allow("emea", "hub").seed(seed()).build()?;
    let mut fleet = Fleet::new(sim, Plan::into_one(&["emea"], "hub")).await?;
    fleet.start().await?;
    fleet.converge("120s")?;
    let people = people(&fleet.sim.tenant("emea").context("emea")?)?;
    // Each time the next person moves, leaves the group, and leaves the company.
    for (partitions, people) in [3, 1].into_iter().zip(people.chunks(3)) {
        fleet.set_partitions(partitions)?;
        let refused = format!("{:#}", fleet.apply().err().context("the topics have another number")?);
        ensure!(refused.contains("docs/partitions.md"), "{refused}");
        fleet.stop_replica("change-detector", 0).await?;
        fleet.stop().await?;
        let written = fleet.sim.journal_len("hub");
        change(&fleet.sim.tenant("emea").context("emea")?, people)?;

        recreate_topics(&fleet).await?;
        for role in ["control", "provisioner", "policy"] {
            fleet.start_replica(role, 0)?;
            wait_for(TIMEOUT, role, async || Ok(matches!(fleet.ask(role, "/readyz").await, Ok((200, _))).then_some(()))).await?;
            if role == "control" {
                fleet.until_control_answers().await?;
                fleet.apply()?;
            }
        }
        fleet.start_replica("change-detector", 0)?;
        fleet.administer(&["republish"])?;
        fleet.converge("120s")?;
        assert_eq!(fleet.verify("hub").await?.wrong, Vec::<String>::new(), "with {partitions}");
        let written = fleet.sim.journal_len("hub") - written;
        ensure!(written < 20, "{written} writes for three changes");
        assert_eq!(numbers(&fleet)?, vec![partitions; KINDS.len() * TENANTS.len()]);
    }
    fleet.stop().await
}

fn people(home: &TenantHandle) -> Result<Vec<Uuid>> {
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    Ok(home.members(group).into_iter().filter(|id| home.user(*id).is_some()).collect())
}

fn change(home: &TenantHandle, people: &[Uuid]) -> Result<()> {
    home.patch_user(people[0], &json!({"department": "Legal"}))?;
    home.remove_member(*home.groups(ALL_USERS).first().context("no group")?, people[1])?;
    Ok(home.delete_user(people[2])?)
}

async fn recreate_topics(fleet: &Fleet) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", fleet.kafka.bootstrap()).create()?;
    let names: Vec<String> = TENANTS.iter().flat_map(|tenant| KINDS.map(|kind| format!("xtsync.v1.{kind}.{tenant}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for deleted in admin.delete_topics(&names, &AdminOptions::new()).await? {
        deleted.map_err(|(name, code)| anyhow::anyhow!("{name}: {code}"))?;
    }
    let are_gone = async || Ok(topics(fleet)?.iter().all(|topic| topic["state"] == "missing").then_some(()));
    wait_for(TIMEOUT, "the topics to end", are_gone).await?;
    fleet.create_topics()
}

/// The topics of the tenants, as they are listed.
fn topics(fleet: &Fleet) -> Result<Vec<Value>> {
    let listed: Vec<Value> = serde_json::from_str(&fleet.list_topics()?)?;
    Ok(listed
        .into_iter()
        .filter(|topic| KINDS.iter().any(|kind| topic["topic"].as_str().is_some_and(|name| name.contains(kind))))
        .collect())
}

fn numbers(fleet: &Fleet) -> Result<Vec<u32>> {
    topics(fleet)?.iter().map(|topic| Ok(u32::try_from(topic["partitions"].as_u64().context("no number")?)?)).collect()
}
