//! How long a target gets no writes after its owner is killed: of any link, and of a link with a call in flight.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;
use uuid::Uuid;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::{FaultProfile, Sim, Span};

use crate::fixture::{self, Changes, TARGET};
use crate::report::{Figure, Goal};

/// When the owner is killed, as shares of the time between two renewals, which is a third of a lease: the sooner after one, the longer the
/// lease lasts.
const PHASES: [f64; 3] = [0.0, 1.0 / 3.0, 2.0 / 3.0];

/// What the owner had sent may still be carried out for a moment.
const CARRIED_OUT: Duration = Duration::from_millis(500);

/// Links with a call in flight at the kill, and how long the target takes for each call.
const IN_FLIGHT: usize = 8;
const CALL: Duration = Duration::from_millis(1_500);

/// What such a call is.
const PATCH: (&str, &str) = ("PATCH", "/v1.0/users/{id}");

/// Kills the owner of the target in the middle of the first synchronization, at some moments between two renewals, and while calls are in
/// flight; the longest pause of each counts.
///
/// # Errors
/// If the fleet does not start, or no replica takes over.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let lease = plan().lease_ttl.as_secs_f64();
    let mut took = Vec::new();
    for phase in PHASES {
        took.push(pause(Duration::from_secs_f64(lease / 3.0 * phase)).await?);
    }
    let in_flight = in_flight().await?;
    let figure = |name, took: &[f64], what: &str, most| {
        let all: Vec<String> = took.iter().map(|took| format!("{took:.1}")).collect();
        let note = format!("SIGKILL of the owner, lease {lease} s, {what}, the longest of {} s", all.join(", "));
        Figure::new(name, took.iter().copied().fold(0.0, f64::max), "s", note).goal(Goal::AtMost(most))
    };
    Ok(vec![
        figure("failover_s", &took, "the next write of any link", lease + 1.0),
        figure("failover_in_flight_s", &in_flight, "the next write of a link with a call in flight", lease + 10.0),
    ])
}

fn plan() -> Plan {
    Plan { replicas: 2, ..fixture::plan() }
}

/// The seconds without a write when the owner is killed that long after the first users.
async fn pause(wait: Duration) -> Result<f64> {
    let mut fleet = Fleet::new(fixture::tenants(5_000)?, plan()).await?;
    fleet.start().await?;
    let hub = fleet.sim.tenant(TARGET).context("no target")?;
    wait_for(Duration::from_secs(120), "the first users", async || Ok((hub.user_count() > 200).then_some(()))).await?;
    sleep(wait).await;
    let killed = kill_owner(&mut fleet).await?;
    let sim = fleet.sim.clone();
    let next = wait_for(Duration::from_secs(120), "the next write", async || {
        let entries = sim.journal().since(0);
        Ok(entries.iter().rev().take_while(|entry| entry.at > killed + CARRIED_OUT).map(|entry| entry.at).last())
    })
    .await?;
    Ok(next.duration_since(killed).as_secs_f64())
}

/// The seconds until the next write of each link whose call was in flight when the owner was killed.
async fn in_flight() -> Result<Vec<f64>> {
    let mut fleet = Fleet::new(fixture::tenants(500)?, plan()).await?;
    fleet.start().await?;
    fleet.converge("300s")?;
    fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    fleet.sim.set_fault_profile(FaultProfile { latency: Span::exactly(CALL), slow: vec![TARGET.to_owned()], ..FaultProfile::default() });
    let before = patches(&fleet.sim)?;
    let (home, users) = fixture::users(&fleet.sim)?;
    let mut changes = Changes::new(&fleet.sim, "department");
    for user in users.into_iter().take(IN_FLIGHT) {
        changes.begin(user);
        home.patch_user(user, &serde_json::json!({"department": "In flight"}))?;
    }
    let sim = fleet.sim.clone();
    let sent = async || Ok((patches(&sim)? >= before + IN_FLIGHT as u64).then_some(()));
    wait_for(Duration::from_secs(60), "the calls", sent).await?;
    ensure!(changes.written(&fleet.sim).is_empty(), "a call had ended before the last began");
    let killed = kill_owner(&mut fleet).await?;
    // The calls of the owner end with their connections, or are carried out; the others of them need no further write.
    sleep(CALL + CARRIED_OUT).await;
    let carried_out = changes.written(&fleet.sim);
    fleet.sim.set_fault_profile(FaultProfile::default());
    ensure!(carried_out.len() < IN_FLIGHT, "all calls were carried out");
    changes.propagated(&fleet.sim, Duration::from_secs(300)).await?;
    let later = |written: HashMap<Uuid, Instant>| written.into_iter().filter(|(user, _)| !carried_out.contains_key(user));
    Ok(later(changes.written(&fleet.sim)).map(|(_, at)| at.duration_since(killed).as_secs_f64()).collect())
}

/// How many calls of that kind the target has had.
fn patches(sim: &Sim) -> Result<u64> {
    let counts = sim.tenant(TARGET).context("no target")?.counts();
    Ok(counts.get(&(PATCH.0.to_owned(), PATCH.1.to_owned())).copied().unwrap_or_default())
}

/// Kills the owner of the target; returns when.
async fn kill_owner(fleet: &mut Fleet) -> Result<Instant> {
    let owner = fleet.owner(TARGET).await?;
    fleet.kill("provisioner", owner).await?;
    Ok(Instant::now())
}
