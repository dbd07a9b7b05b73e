//! The first synchronization where every answer takes its time, so that what xtsync does meanwhile should cost next to nothing.

use std::time::Duration;

use anyhow::Result;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::{FaultProfile, Sim, Span, Verb};

use crate::fixture::{self, TARGET};
use crate::report::{Figure, Goal};
use crate::{first, fixture::SOURCE};

/// How long every request takes.
const LATENCY: Duration = Duration::from_millis(20);

/// Creates that many `users` with the bare client, and then with the fleet.
///
/// # Errors
/// If the fleet does not come up or does not get there.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let bare = first::bare(users, &slow(0)?).await?;
    let plan = Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, ..fixture::plan() };
    let mut fleet = Fleet::new(slow(users)?, plan).await?;
    fleet.start_unconfigured().await?;
    let first = first::synchronize(&fleet).await?;
    let steady = steady(&fleet.sim);
    fleet.stop().await?;
    let note = format!("{} ms a request, {}; {steady:.0} users/s between a tenth and nine tenths", LATENCY.as_millis(), first.conditions());
    Ok(vec![Figure::new("initial_sync_20ms_vs_bare", first.speed(), "users/s", note).against(bare).goal(Goal::RatioAtLeast(0.95))])
}

fn slow(users: usize) -> Result<Sim> {
    let profile = FaultProfile { latency: Span::exactly(LATENCY), ..FaultProfile::default() };
    Sim::builder().tenant(SOURCE, users).tenant(TARGET, 0).allow(SOURCE, TARGET).seed(7).fault_profile(profile).build()
}

/// Users a second without the first and the last tenth of the invitations.
fn steady(sim: &Sim) -> f64 {
    let entries = sim.journal().since(0);
    let invited: Vec<_> = entries.iter().filter(|entry| &*entry.tenant == TARGET && entry.verb == Verb::Invite).collect();
    let (from, to) = (invited.len() / 10, invited.len() * 9 / 10);
    match (invited.get(from), invited.get(to)) {
        (Some(first), Some(last)) => (to - from) as f64 / last.at.duration_since(first.at).as_secs_f64(),
        _ => f64::NAN,
    }
}
