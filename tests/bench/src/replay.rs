//! An apply that changes no user: all users of a source are decided again, and nothing follows from it.

use std::time::{Duration, Instant};

use anyhow::Result;
use rdkafka::consumer::BaseConsumer;
use xtsync_e2e::fleet::{Fleet, Plan};

use crate::fixture::{self, TARGET};
use crate::policy::{client, records};
use crate::report::Figure;

/// Another grace period of lost scopes: the rules differ, and no user is wanted otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// Decides that many `users` again, and counts what is written and published for it.
///
/// # Errors
/// If the fleet does not come up or does not get there.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let plan = Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, ..fixture::plan() };
    let pairs = plan.pairs.clone();
    let mut fleet = Fleet::new(fixture::tenants(users)?, plan).await?;
    fleet.start().await?;
    fleet.converge("3000s")?;
    fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    let topics: BaseConsumer = client(&fleet.kafka.bootstrap()).create()?;
    let links = format!("xtsync.v1.links.{TARGET}");
    let (writes, published, spent) = (fleet.sim.journal().last(), records(&topics, &links)?, fixture::cpu(&fleet)?);
    let began = Instant::now();
    fleet.reconfigure(pairs, GRACE)?;
    fleet.converge("3000s")?;
    let took = began.elapsed().as_secs_f64();
    let (writes, published) = (fleet.sim.journal().last() - writes, records(&topics, &links)? - published);
    let micros: f64 = fixture::cpu(&fleet)?.iter().map(|(role, now)| (*now - spent[role]).as_secs_f64() * 1e6 / users as f64).sum();
    fleet.stop().await?;
    let note =
        format!("{users} users decided again, and none changed: {writes} writes, {published} links published, {micros:.0} µs a user");
    Ok(vec![Figure::new("replay_unchanged_s", took, "s", note)])
}
