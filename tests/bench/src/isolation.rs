//! The effect of failing targets on the others.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::{FaultProfile, Sim, Span, Throttle};

use crate::fixture::{self, SOURCE};
use crate::report::{Figure, show};

/// The numbers of healthy and of failing targets.
const HEALTHY: [&str; 8] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
const THROTTLED: &str = "t9";
const DEAD: &str = "t10";

/// How long every request takes.
const LATENCY: Duration = Duration::from_millis(20);

/// The users of the source.
const USERS: usize = 500;

/// Creates all users in the eight healthy targets alone, and then beside the two failing ones.
///
/// # Errors
/// If the fleet does not come up.
pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let alone = speed(&HEALTHY).await?;
    show(&format!("eight targets alone: {alone:.0} users/s"));
    let beside = speed(&[&HEALTHY[..], &[THROTTLED, DEAD]].concat()).await?;
    let note = format!("{USERS} users into each of eight targets of 20 ms, beside one of 20 writes/s and a dead one");
    Ok(vec![Figure::new("isolation", beside, "users/s", note).against(alone)])
}

/// Users per second in the healthy targets, between a tenth and nine tenths of all.
async fn speed(targets: &[&str]) -> Result<f64> {
    let tenants = targets.iter().fold(Sim::builder().tenant(SOURCE, USERS), |tenants, target| tenants.tenant(target, 0));
    let profile = FaultProfile {
        latency: Span::exactly(LATENCY),
        throttle: Some(Throttle::documented().with_writes(20, 1)),
        throttled: vec![THROTTLED.to_owned()],
        dead: vec![DEAD.to_owned()],
        ..FaultProfile::default()
    };
    let sim = targets.iter().fold(tenants, |tenants, target| tenants.allow(SOURCE, target)).seed(7).fault_profile(profile).build()?;
    let pairs = targets.iter().map(|target| (SOURCE.to_owned(), (*target).to_owned())).collect();
    let mut fleet = Fleet::new(sim, Plan { pairs, ..fixture::plan() }).await?;
    fleet.start().await?;
    let healthy: Vec<_> = HEALTHY.iter().filter_map(|name| fleet.sim.tenant(name)).collect();
    let (_, in_scope) = fixture::users(&fleet.sim)?;
    let all = in_scope.len() * HEALTHY.len();
    let mut marks = Vec::new();
    for part in [all / 10, all * 9 / 10] {
        let there = loop {
            let there = healthy.iter().map(|tenant| tenant.user_count()).sum::<usize>();
            if there >= part {
                break there;
            }
            sleep(Duration::from_millis(5)).await;
        };
        marks.push((Instant::now(), there));
    }
    let [(began, first), (ended, last)] = marks[..] else { anyhow::bail!("two marks") };
    Ok((last - first) as f64 / ended.duration_since(began).as_secs_f64())
}
