//! Three replicas of every role under fire, while people join, move and leave: every process is killed again and again, one is frozen for
//! longer than its lease, broker and database are started anew, and the tenants throttle, fail and forget what they answered.
//! `XTSYNC_SEED` chooses another run.

use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{MissedTickBehavior, interval};
use xtsync_e2e::fleet::{Fleet, Plan, ROLES};
use xtsync_e2e::workload::Workload;
use xtsync_harness::Signal;
use xtsync_tenant_sim::{DeltaFaults, FaultProfile, InvitationFaults, Sim, Span};

use crate::seed;

const REPLICAS: usize = 3;

/// How many partitions the topics of a tenant have: more than there are replicas of policy.
const PARTITIONS: u32 = 6;

/// How often each replica is killed.
const KILLS: usize = 2;

/// How often something changes in a source.
const PACE: Duration = Duration::from_millis(50);

/// After how many changes the next fault falls, at least and at most.
const CHANGES_BETWEEN_FAULTS: std::ops::Range<usize> = 15..60;

/// For how many changes a replica stays frozen: more than twice the lease of 5 s.
const FROZEN_CHANGES: usize = 240;

#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill(&'static str, usize),
    Freeze(&'static str, usize),
    RestartBroker,
    CrashDatabase,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_no_user_is_lost_or_duplicated() {
    play(seed()).await.unwrap();
}

async fn play(seed: u64) -> Result<()> {
    let tenants = Sim::builder().tenant("emea", 1800).tenant("us", 1200).tenant("hub", 0).allow("emea", "hub").allow("us", "hub");
    let sim = tenants.seed(seed).fault_profile(fault_profile(seed)).build()?;
    let mut fleet = Fleet::new(sim, Plan { replicas: REPLICAS, partitions: PARTITIONS, ..Plan::into_one(&["emea", "us"], "hub") }).await?;
    fleet.start().await?;

    let mut rng = StdRng::seed_from_u64(seed);
    let mut workload = Workload::new(&fleet.sim, &["emea", "us"], seed)?;
    let mut faults = faults(&mut rng);
    let (mut next_fault, mut thaw) = (rng.random_range(CHANGES_BETWEEN_FAULTS), None);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !faults.is_empty() || thaw.is_some() {
        pace.tick().await;
        workload.apply_change()?;
        if let Some((_, role, index)) = thaw.filter(|(at, _, _)| *at <= workload.changes_made()) {
            fleet.signal(role, index, Signal::Cont)?;
            thaw = None;
        }
        if next_fault <= workload.changes_made() {
            next_fault += rng.random_range(CHANGES_BETWEEN_FAULTS);
            match faults.pop() {
                // It stays frozen: this fault is for later.
                Some(fault @ (Fault::Kill(role, index) | Fault::Freeze(role, index))) if is_frozen(thaw, role, index) => {
                    faults.insert(0, fault)
                }
                Some(Fault::Freeze(role, index)) => {
                    fleet.signal(role, index, Signal::Stop)?;
                    thaw = Some((workload.changes_made() + FROZEN_CHANGES, role, index));
                }
                Some(fault) => inject(&mut fleet, fault).await?,
                None => {}
            }
        }
    }

    // A link with a call in flight at a kill waits until that call must have ended. An invitation without a visible result, for a user who
    // has left meanwhile, waits up to six minutes more.
    if let Err(error) = fleet.converge("460s") {
        return Err(error.context(fleet.unconverged().await?));
    }
    // The oracle asks once.
    fleet.sim.set_fault_profile(FaultProfile::default());
    let verdict = fleet.verify("hub").await?;
    assert_eq!(verdict.wrong, Vec::<String>::new(), "seed {seed}: {}", fleet.stored(&verdict.wrong).await?);
    ensure!(verdict.present > 2_700, "{} people", verdict.present);
    let written = fleet.sim.journal_len("hub");
    fleet.converge("30s")?;
    assert_eq!(fleet.sim.journal_len("hub"), written, "writes to the target after convergence");
    fleet.stop().await
}

fn is_frozen(thaw: Option<(usize, &str, usize)>, role: &str, index: usize) -> bool {
    thaw.is_some_and(|(_, frozen, at)| (frozen, at) == (role, index))
}

/// Every fault, in an order by chance.
fn faults(rng: &mut StdRng) -> Vec<Fault> {
    let each = || ROLES.into_iter().flat_map(|role| (0..REPLICAS).map(move |index| (role, index)));
    let mut faults: Vec<Fault> = each().flat_map(|(role, index)| [Fault::Kill(role, index); KILLS]).collect();
    faults.extend([Fault::Freeze("provisioner", rng.random_range(0..REPLICAS)), Fault::RestartBroker, Fault::CrashDatabase]);
    faults.shuffle(rng);
    faults
}

async fn inject(fleet: &mut Fleet, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill(role, index) => {
            fleet.kill(role, index).await?;
            fleet.start_replica(role, index)
        }
        Fault::Freeze(role, index) => fleet.signal(role, index, Signal::Stop),
        Fault::RestartBroker => fleet.kafka.restart().await,
        Fault::CrashDatabase => {
            fleet.postgres.crash().await?;
            fleet.postgres.resume().await
        }
    }
}

/// Everything but what loses a change for good, or leaves a guest without an address.
fn fault_profile(seed: u64) -> FaultProfile {
    FaultProfile {
        seed,
        latency: Span::milliseconds(0, 15),
        server_errors: 0.01,
        fails_after_commit: 0.01,
        hides_fresh_objects_for: Span::milliseconds(0, 400),
        delta: DeltaFaults { reorders: 0.2, repeats: 0.1, empty: 0.1, loses: 0.0 },
        expires_tokens_every: std::num::NonZeroU32::new(2_000),
        invitations: InvitationFaults { late: 0.01, late_for: Span::milliseconds(100, 1_000), ..InvitationFaults::default() },
        ..FaultProfile::default()
    }
}
