//! An apply that changes no user: all users of a source are decided again, and nothing follows from it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rdkafka::consumer::BaseConsumer;
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::Sim;

use crate::fixture::{self, TARGET};
use crate::policy::{client, records};
use crate::report::{Figure, Goal, short};

/// Another grace period of lost scopes: the rules differ, and no user is wanted otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// The number of users that the goal of the seconds is stated for.
const GOAL_USERS: usize = 1_000_000;

/// Below these paths of the target are requests about users.
const CALLS: [&str; 4] = ["/v1.0/users", "/v1.0/invitations", "/v1.0/directory/deletedItems", "/v1.0/contacts"];

/// Decides that many `users` again, and counts what is asked of the target and published for it.
///
/// # Errors
/// If the fleet does not come up or does not get there.
pub(crate) async fn measure(users: usize) -> Result<Vec<Figure>> {
    let plan = Plan { poll: Duration::from_secs(30), lease_ttl: Duration::from_secs(10), notified: true, ..fixture::plan() };
    let pairs = plan.pairs.clone();
    let mut fleet = Fleet::new(fixture::tenants(users)?, plan).await?;
    fleet.start().await?;
    fleet.converge(fixture::LONG)?;
    fixture::until_quiet(&fleet.sim, Duration::from_secs(60)).await?;
    let topics: BaseConsumer = client(&fleet.kafka.bootstrap()).create()?;
    let links = format!("xtsync.v1.links.{TARGET}");
    let (calls, published, spent) = (calls(&fleet.sim)?, records(&topics, &links)?, fixture::cpu(&fleet)?);
    let began = Instant::now();
    fleet.reconfigure(pairs, GRACE)?;
    fleet.carry_out(fixture::LONG)?;
    let took = began.elapsed().as_secs_f64();
    let (calls, published) = (self::calls(&fleet.sim)? - calls, records(&topics, &links)? - published);
    let micros: f64 = fixture::cpu(&fleet)?.iter().map(|(role, now)| (*now - spent[role]).as_secs_f64() * 1e6 / users as f64).sum();
    fleet.stop().await?;
    let note = format!("{users} users decided again, and none changed; {micros:.0} µs of processor time a user");
    let name = format!("replay_unchanged_{}", short(users));
    let seconds = Figure::new(format!("{name}_s"), took, "s", note.clone());
    let seconds = if users == GOAL_USERS { seconds.goal(Goal::AtMost(90.0)) } else { seconds };
    Ok(vec![
        seconds,
        Figure::new(format!("{name}_speed"), users as f64 / took, "users/s", note.clone()),
        Figure::new(format!("{name}_calls"), calls as f64, "", note.clone()).goal(Goal::AtMost(0.0)),
        Figure::new(format!("{name}_links_published"), published as f64, "", note).goal(Goal::AtMost(0.0)),
    ])
}

/// How many requests about users the target has had. Its access policy is read again and again, whatever happens.
fn calls(sim: &Sim) -> Result<u64> {
    let counts = sim.tenant(TARGET).context("no target")?.counts();
    Ok(counts.iter().filter(|((_, path), _)| CALLS.iter().any(|call| path.starts_with(call))).map(|(_, count)| count).sum())
}
