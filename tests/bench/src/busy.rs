//! Latency under load: all users of the source are decided again, and another source is synchronized for the first time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_harness::wait_for;
use xtsync_tenant_sim::Sim;

use crate::fixture::{self, SOURCE, TARGET};
use crate::report::{Figure, Goal};

/// The new source.
const NEW: &str = "apac";

/// Changes that are timed, 50 a second.
const CHANGES: usize = 500;
const PACE: Duration = Duration::from_millis(20);

/// Times changes of a source of `replayed` users, while another of `created` users is synchronized for the first time.
///
/// # Errors
/// If the fleet does not come up or loses a change.
pub(crate) async fn measure(replayed: usize, created: usize) -> Result<Vec<Figure>> {
    let sim = Sim::builder().tenant(SOURCE, replayed).tenant(NEW, created).tenant(TARGET, 0);
    let sim = sim.allow(SOURCE, TARGET).allow(NEW, TARGET).seed(7).build()?;
    let plan = Plan { notified: true, ..fixture::plan() };
    let mut pairs = plan.pairs.clone();
    let mut fleet = Fleet::new(sim, plan).await?;
    fleet.start().await?;
    fleet.converge(fixture::LONG)?;
    let hub = fleet.sim.tenant(TARGET).context("no target")?;
    let before = hub.user_count();
    pairs.push((NEW.to_owned(), TARGET.to_owned()));
    // A changed rule for lost scopes: all users are decided again.
    fleet.reconfigure(pairs, Duration::from_secs(2))?;
    wait_for(Duration::from_secs(120), "the new source", async || Ok((hub.user_count() > before + 50).then_some(()))).await?;
    let (_, users) = fixture::users(&fleet.sim)?;
    let changes = fixture::change(&fleet.sim, users.into_iter().take(CHANGES), ("department", "Busy".into()), PACE).await?;
    let took = changes.propagated(&fleet.sim, Duration::from_secs(120)).await?;
    let waiting = (before + created).saturating_sub(hub.user_count());
    let note = format!("{CHANGES} changes at 50/s, {replayed} decided again, {created} new, {waiting} of them still waiting at the end");
    Ok(vec![Figure::new("busy_p99_ms", fixture::percentile_ms(&took, 0.99), "ms", note).goal(Goal::AtMost(250.0))])
}
