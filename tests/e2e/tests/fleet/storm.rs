//! Two replicas of every role under fire, while people join, move and leave: every process is killed again and again, one is frozen for
//! longer than its lease, broker and database are started anew, and the tenants throttle, fail and forget what they answered.
//! `XTSYNC_SEED` chooses another run.

use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{MissedTickBehavior, interval};
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_e2e::life::Life;
use xtsync_harness::Signal;
use xtsync_tenant_sim::{DeltaWeather, InvitationWeather, Sim, Span, Weather};

use crate::seed;

const REPLICAS: usize = 2;

/// How often each replica is killed.
const KILLS: usize = 3;

/// How often something changes in a source.
const PACE: Duration = Duration::from_millis(50);

/// After how many changes the next blow falls, at least and at most.
const BETWEEN_BLOWS: std::ops::Range<usize> = 15..60;

/// For how many changes a replica stays frozen: more than twice the lease of 5 s.
const FROZEN: usize = 240;

#[derive(Debug, Clone, Copy)]
enum Blow {
    Kill(&'static str, usize),
    Freeze(&'static str, usize),
    RestartBroker,
    CrashDatabase,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_nobody_is_lost_and_nobody_is_there_twice() {
    play(seed()).await.unwrap();
}

async fn play(seed: u64) -> Result<()> {
    let tenants = Sim::builder().tenant("emea", 1800).tenant("us", 1200).tenant("hub", 0).allow("emea", "hub").allow("us", "hub");
    let sim = tenants.seed(seed).weather(weather(seed)).build()?;
    let mut fleet = Fleet::new(sim, Plan { replicas: REPLICAS, ..Plan::into_one(&["emea", "us"], "hub") }).await?;
    fleet.start().await?;

    let mut rng = StdRng::seed_from_u64(seed);
    let mut life = Life::new(&fleet.sim, &["emea", "us"], seed)?;
    let mut blows = blows(&mut rng);
    let (mut next_blow, mut thaw) = (rng.random_range(BETWEEN_BLOWS), None);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !blows.is_empty() || thaw.is_some() {
        pace.tick().await;
        life.happen()?;
        if let Some((_, role, index)) = thaw.filter(|(at, _, _)| *at <= life.happened()) {
            fleet.signal(role, index, Signal::Cont)?;
            thaw = None;
        }
        if next_blow <= life.happened() {
            next_blow += rng.random_range(BETWEEN_BLOWS);
            match blows.pop() {
                // It stays frozen: this blow is for later.
                Some(blow @ (Blow::Kill(role, index) | Blow::Freeze(role, index))) if is_frozen(thaw, role, index) => blows.insert(0, blow),
                Some(Blow::Freeze(role, index)) => {
                    fleet.signal(role, index, Signal::Stop)?;
                    thaw = Some((life.happened() + FROZEN, role, index));
                }
                Some(blow) => fall(&mut fleet, blow).await?,
                None => {}
            }
        }
    }

    // What was being called when somebody was killed is left alone until the call must have ended; an invitation of which nothing shows,
    // for somebody who has left meanwhile, for five minutes more.
    if let Err(error) = fleet.settle("400s") {
        return Err(error.context(fleet.unsettled().await?));
    }
    // The oracle asks once.
    fleet.sim.set_weather(Weather::default());
    let verdict = fleet.judge("hub").await?;
    assert_eq!(verdict.wrong, Vec::<String>::new(), "seed {seed}: {}", fleet.unsettled().await?);
    ensure!(verdict.present > 2_700, "{} people", verdict.present);
    let written = fleet.sim.journal_len("hub");
    fleet.settle("30s")?;
    assert_eq!(fleet.sim.journal_len("hub"), written, "writes to the target after it was settled");
    fleet.stop().await
}

fn is_frozen(thaw: Option<(usize, &str, usize)>, role: &str, index: usize) -> bool {
    thaw.is_some_and(|(_, frozen, at)| (frozen, at) == (role, index))
}

/// Every blow, in an order by chance.
fn blows(rng: &mut StdRng) -> Vec<Blow> {
    let each = || ROLES.into_iter().flat_map(|role| (0..REPLICAS).map(move |index| (role, index)));
    let mut blows: Vec<Blow> = each().flat_map(|(role, index)| [Blow::Kill(role, index); KILLS]).collect();
    blows.extend([Blow::Freeze("provisioner", rng.random_range(0..REPLICAS)), Blow::RestartBroker, Blow::CrashDatabase]);
    blows.shuffle(rng);
    blows
}

async fn fall(fleet: &mut Fleet, blow: Blow) -> Result<()> {
    match blow {
        Blow::Kill(role, index) => {
            fleet.kill(role, index).await?;
            fleet.start_replica(role, index)
        }
        Blow::Freeze(role, index) => fleet.signal(role, index, Signal::Stop),
        Blow::RestartBroker => fleet.kafka.restart().await,
        Blow::CrashDatabase => {
            fleet.postgres.crash().await?;
            fleet.postgres.resume().await
        }
    }
}

/// Everything but what loses a change for good, or leaves a guest without an address.
fn weather(seed: u64) -> Weather {
    Weather {
        seed,
        latency: Span::milliseconds(0, 15),
        server_errors: 0.01,
        fails_after_commit: 0.01,
        hides_fresh_objects_for: Span::milliseconds(0, 400),
        delta: DeltaWeather { reorders: 0.2, repeats: 0.1, empty: 0.1, loses: 0.0 },
        expires_tokens_every: std::num::NonZeroU32::new(2_000),
        invitations: InvitationWeather { late: 0.01, late_for: Span::milliseconds(100, 1_000), ..InvitationWeather::default() },
        ..Weather::default()
    }
}
