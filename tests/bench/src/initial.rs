//! The first synchronization of a large tenant, against the bare client; what it costs in processor time and memory; and what it costs
//! when it is done and nothing changes.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtsync_e2e::fleet::{Fleet, ROLES};

use crate::bare::Bare;
use crate::report::{Figure, show};
use crate::{stage, usage};

/// Links that the provisioner works on at once while no leaver needs a place.
const AT_ONCE: usize = 12;

/// How long the converged fleet is watched.
const IDLE: Duration = Duration::from_secs(30);

/// Creates `people`, and then watches the fleet rest.
///
/// # Errors
/// When the fleet does not come up or does not get there.
pub(crate) async fn measure(people: usize) -> Result<Vec<Figure>> {
    let bare = bare(people.min(20_000)).await?;
    let sim = stage::tenants(people)?;
    let mut fleet = Fleet::new(sim, stage::plan()).await?;
    let began = Instant::now();
    fleet.start().await?;
    fleet.settle("3000s")?;
    let ended = stage::rest(&fleet.sim, Duration::from_secs(60)).await?;
    let (_, in_scope) = stage::people(&fleet.sim)?;
    let took = ended.duration_since(began).as_secs_f64();
    let speed = in_scope.len() as f64 / took;
    let note = format!("{} people in {took:.1} s, all roles, Kafka, PostgreSQL", in_scope.len());
    let mut figures = vec![Figure::new("initial_sync_vs_bare", speed, "users/s", note).against(bare)];
    figures.extend(costs(&fleet, in_scope.len())?);
    figures.push(idle(&fleet, people).await?);
    fleet.stop().await?;
    Ok(figures)
}

async fn bare(people: usize) -> Result<f64> {
    let fleet = Fleet::new(stage::tenants(0)?, stage::plan()).await?;
    let speed = Bare::sign_in(fleet.address(), stage::TARGET).await?.create(people, AT_ONCE).await?;
    show(&format!("bare client: {speed:.0} users/s"));
    Ok(speed)
}

fn costs(fleet: &Fleet, people: usize) -> Result<Vec<Figure>> {
    let spent = stage::cpu(fleet)?;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / people as f64;
    let shares: Vec<_> = ROLES.iter().map(|role| format!("{role} {:.0}", micros(spent[role]))).collect();
    let total = micros(spent.values().sum());
    let mut figures = vec![Figure::new("initial_sync_cpu_per_user", total, "µs", shares.join(", ")).against(500.0)];
    for role in ROLES {
        let peak = usage::peak_rss_mib(fleet.pid(role, 0)?)?;
        figures.push(Figure::new(format!("peak_rss_mib_{role}"), peak, "MiB", format!("{people} people")).against(300.0));
    }
    Ok(figures)
}

async fn idle(fleet: &Fleet, people: usize) -> Result<Figure> {
    let before: Duration = stage::cpu(fleet)?.values().sum();
    tokio::time::sleep(IDLE).await;
    let after: Duration = stage::cpu(fleet)?.values().sum();
    let share = (after - before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    Ok(Figure::new("idle_cpu", share, "% of a core", format!("{people} people at rest, polled every 250 ms, four roles")).against(1.0))
}
