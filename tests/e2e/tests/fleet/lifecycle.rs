//! The events of the demo, with 3,000 users in two sources.

use anyhow::{Context as _, Result};
use serde_json::json;
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_tenant_sim::{ALL_USERS, Sim, TenantHandle};

/// What the roles may never log: the domain and the parts of all users' addresses, and the secret.
const NEVER_LOGGED: [&str; 3] = ["@emea.example", "@us.example", "client_secret"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_users_of_two_sources_match_the_oracle() {
    play().await.unwrap();
}

async fn play() -> Result<()> {
    let people = Sim::builder().tenant("emea", 1800).tenant("us", 1200).tenant("hub", 0).allow("emea", "hub").allow("us", "hub");
    let mut fleet = Fleet::new(people.seed(7).build()?, Plan::into_one(&["emea", "us"], "hub")).await?;
    fleet.start().await?;
    fleet.converge("180s")?;
    let verdict = fleet.verify("hub").await?;
    assert_eq!(verdict.wrong, Vec::<String>::new(), "after the first synchronization");
    assert!(verdict.present > 2_800, "{} people", verdict.present);
    assert_eq!(fleet.sim.tenant("hub").context("hub")?.messages_sent(), 0, "no invitation mail");

    let gone = change_everything(&fleet.sim.tenant("emea").context("emea")?)?;
    fleet.converge("60s")?;
    let verdict = fleet.verify("hub").await?;
    assert_eq!(verdict.wrong, Vec::<String>::new(), "after the story");
    assert_eq!((verdict.disabled, verdict.soft_deleted), (1, gone), "disabled, soft-deleted");

    check_no_further_writes(&fleet).await?;
    metrics_are_exposed(&fleet).await?;
    let logs = fleet.logs();
    for word in NEVER_LOGGED {
        assert!(!logs.contains(word), "{word} was logged");
    }
    fleet.stop().await
}

/// Performs the events; returns how many of the target's users are soft-deleted at the end.
fn change_everything(home: &TenantHandle) -> Result<usize> {
    let group = *home.groups(ALL_USERS).first().context("no group")?;
    let people: Vec<Uuid> = home.members(group).into_iter().filter(|id| home.user(*id).is_some()).collect();
    let domain = home.domain();
    let joiner = home.create_user(&json!({
        "accountEnabled": true, "displayName": "Ana Lopez", "givenName": "Ana", "surname": "Lopez", "mailNickname": "ana.lopez.new",
        "userPrincipalName": format!("ana.lopez.new@{domain}"), "mail": format!("ana.lopez.new@{domain}"),
        "passwordProfile": {"password": "not-used-anywhere-1"},
    }))?;
    home.add_member(group, joiner)?;
    home.patch_user(people[0], &json!({"department": "Legal", "jobTitle": "Counsel"}))?;
    home.patch_user(people[1], &json!({"surname": "Okafor-Lind", "displayName": "Robin Okafor-Lind"}))?;
    home.patch_user(people[2], &json!({"accountEnabled": false}))?;
    home.remove_member(group, people[3])?;
    home.delete_user(people[4])?;
    home.delete_user(people[5])?;
    home.restore_user(people[5])?;
    home.patch_user(people[6], &json!({"department": null, "city": null}))?;
    for person in &people[10..110] {
        home.patch_user(*person, &json!({"department": "Shared Services"}))?;
    }
    Ok(2)
}

/// Two further cycles write nothing.
async fn check_no_further_writes(fleet: &Fleet) -> Result<()> {
    let written = fleet.sim.journal_len("hub");
    fleet.converge("30s")?;
    fleet.converge("30s")?;
    assert_eq!(fleet.sim.journal_len("hub"), written, "writes to the target after convergence");
    Ok(())
}

async fn metrics_are_exposed(fleet: &Fleet) -> Result<()> {
    let (status, metrics) = fleet.ask("provisioner", "/metrics").await?;
    assert_eq!(status, 200);
    assert!(metrics.contains("xtsync_change_to_target_seconds_bucket"), "{metrics}");
    let (status, metrics) = fleet.ask("change-detector", "/metrics").await?;
    assert_eq!(status, 200);
    assert!(metrics.contains("xtsync_directory_lag_seconds"), "{metrics}");
    for role in ROLES {
        let (status, answer) = fleet.ask(role, "/readyz").await?;
        assert_eq!(status, 200, "{role}: {answer}");
    }
    Ok(())
}
