//! The first synchronization of a large tenant, against the baseline client; what it costs in processor time and memory; and what it costs
//! when it is done and nothing changes.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_tenant_sim::ALL_USERS;

use crate::baseline::Baseline;
use crate::report::{Figure, show};
use crate::{fixture, usage};

/// Links that the provisioner works on at once while no leaver needs a place.
const AT_ONCE: usize = 12;

/// How long the converged fleet is watched.
const IDLE: Duration = Duration::from_secs(60);

/// A second scope group, to which one edit adds all users.
const SECOND_GROUP: &str = "Again";

/// Creates that many `users`, watches the fleet rest, and then lets one edit of a group concern them all.
///
/// # Errors
/// If the fleet does not come up or does not get there.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let baseline = baseline(users.min(20_000)).await?;
    let sim = fixture::tenants(users)?;
    let (home, in_scope) = fixture::users(&sim)?;
    let second_group =
        home.create_group(&json!({"displayName": SECOND_GROUP, "mailEnabled": false, "mailNickname": "again", "securityEnabled": true}))?;
    let mut fleet = Fleet::new(sim, plan()).await?;
    let began = Instant::now();
    fleet.start().await?;
    fleet.converge("3000s")?;
    let ended = fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    let took = ended.duration_since(began).as_secs_f64();
    let speed = in_scope.len() as f64 / took;
    let note = format!("{} users in {took:.1} s, all roles, Kafka, PostgreSQL", in_scope.len());
    show(&format!("first synchronization: {speed:.0} users/s"));
    let mut figures = vec![Figure::new("initial_sync_vs_baseline", speed, "users/s", note).against(baseline), cpu(&fleet, in_scope.len())?];
    figures.push(idle(&fleet, users).await?);
    for user in in_scope {
        home.add_member(second_group, user)?;
    }
    fleet.converge("3000s")?;
    for role in ROLES {
        let note = format!("{users} users, and a group edit that concerns them all");
        figures.push(Figure::new(format!("peak_rss_mib_{role}"), usage::peak_rss_mib(fleet.pid(role, 0)?)?, "MiB", note).against(300.0));
    }
    fleet.stop().await?;
    Ok(figures)
}

/// The default setup: change notifications, and a poll every 30 seconds.
fn plan() -> Plan {
    let scope = vec![ALL_USERS.to_owned(), SECOND_GROUP.to_owned()];
    Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, scope, ..fixture::plan() }
}

async fn baseline(users: usize) -> Result<f64> {
    let fleet = Fleet::new(fixture::tenants(0)?, fixture::plan()).await?;
    let speed = Baseline::sign_in(fleet.address(), fixture::TARGET).await?.create(users, AT_ONCE).await?;
    show(&format!("baseline client: {speed:.0} users/s"));
    Ok(speed)
}

fn cpu(fleet: &Fleet, users: usize) -> Result<Figure> {
    let spent = fixture::cpu(fleet)?;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / users as f64;
    let shares: Vec<_> = ROLES.iter().map(|role| format!("{role} {:.0}", micros(spent[role]))).collect();
    let total = micros(spent.values().sum());
    Ok(Figure::new("initial_sync_cpu_per_user", total, "µs", shares.join(", ")).against(500.0))
}

async fn idle(fleet: &Fleet, users: usize) -> Result<Figure> {
    let before = fixture::cpu(fleet)?;
    tokio::time::sleep(IDLE).await;
    let after = fixture::cpu(fleet)?;
    let share = |role: &str| (after[role] - before[role]).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    let shares: Vec<_> = ROLES.iter().map(|role| format!("{role} {:.2}", share(role))).collect();
    let note = format!("{users} users at rest, notifications on, polled every 30 s: {}", shares.join(", "));
    Ok(Figure::new("idle_cpu", ROLES.iter().map(|role| share(role)).sum(), "% of a core", note).against(1.0))
}
