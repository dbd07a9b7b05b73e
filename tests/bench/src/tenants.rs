//! Many small tenants: how long an apply, a start and a status take, and what they cost at rest.

mod embedded;
mod installation;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use xtsync_e2e::fleet::{Fleet, Plan};
use xtsync_tenant_sim::{ALL_USERS, Sim};

use self::embedded::Embedded;
use self::installation::Installation;
use crate::report::{Figure, Goal, show};
use crate::usage;

/// The users of each tenant but the targets, which have none.
const USERS: usize = 20;

/// The longest wait for convergence, and as the command takes it.
const SOON: Duration = Duration::from_secs(1_800);

/// How long the converged installation is watched.
const IDLE: Duration = Duration::from_secs(60);

/// How many statuses are timed; the median counts.
const STATUSES: usize = 3;

/// How many tenants there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) sources: usize,
    pub(crate) targets: usize,
    pub(crate) idle: usize,
}

impl Counts {
    /// Every source has a target and every target a source.
    fn pairs(&self) -> Vec<(String, String)> {
        let pair = |number| (format!("source-{}", number % self.sources), format!("target-{}", number % self.targets));
        (0..self.sources.max(self.targets)).map(pair).collect()
    }

    fn idle(&self) -> Vec<String> {
        (0..self.idle).map(|number| format!("idle-{number}")).collect()
    }

    fn sim(&self) -> Result<Sim> {
        let sized = (0..self.sources).map(|number| (format!("source-{number}"), USERS));
        let empty = (0..self.targets).map(|number| (format!("target-{number}"), 0));
        let idle = self.idle().into_iter().map(|name| (name, USERS));
        let tenants = sized.chain(empty).chain(idle).fold(Sim::builder(), |sim, (name, users)| sim.tenant(&name, users));
        self.pairs().iter().fold(tenants, |sim, (source, target)| sim.allow(source, target)).seed(7).build()
    }

    /// The default setup: a poll every 30 seconds.
    fn plan(&self) -> Plan {
        let (poll, lease_ttl) = (Duration::from_secs(30), Duration::from_secs(10));
        Plan { pairs: self.pairs(), idle: self.idle(), scope: Vec::new(), poll, lease_ttl, ..Plan::into_one(&[], "") }
    }

    /// Shadow users that all targets have in the end, of the users who are in scope.
    fn expected(&self, sim: &Sim) -> usize {
        let in_scope = |source: &String| {
            let home = sim.tenant(source)?;
            let members = home.groups(ALL_USERS).first().map(|group| home.members(*group))?;
            Some(members.into_iter().filter(|id| home.user(*id).is_some_and(|user| user["accountEnabled"] == true)).count())
        };
        self.pairs().iter().filter_map(|(source, _)| in_scope(source)).sum()
    }

    fn present(&self, sim: &Sim) -> usize {
        (0..self.targets).filter_map(|number| sim.tenant(&format!("target-{number}"))).map(|target| target.user_count()).sum()
    }
}

/// One process a role, on Kafka and PostgreSQL.
///
/// # Errors
/// If the fleet does not come up or does not get there.
pub(crate) async fn fleet(counts: &Counts) -> Result<Vec<Figure>> {
    let mut fleet = Fleet::new(counts.sim()?, counts.plan()).await?;
    fleet.create_topics()?;
    let sim = fleet.sim.clone();
    measure("tenants", counts, &sim, &mut fleet).await
}

/// All roles in one process, on the embedded bus and stores.
///
/// # Errors
/// If the process does not come up or does not get there.
pub(crate) async fn embedded(counts: &Counts) -> Result<Vec<Figure>> {
    let sim = counts.sim()?;
    let mut embedded = Embedded::new(sim.clone(), &counts.plan()).await?;
    measure("tenants_embedded", counts, &sim, &mut embedded).await
}

async fn measure(prefix: &str, counts: &Counts, sim: &Sim, installation: &mut impl Installation) -> Result<Vec<Figure>> {
    let Counts { sources, targets, idle } = counts;
    let size = format!("{sources} sources of {USERS} users into {targets} targets, {idle} idle tenants");
    let figure = |name: &str, value, unit, note: String| Figure::new(format!("{prefix}_{name}"), value, unit, format!("{size}{note}"));
    installation.start().await?;
    let began = Instant::now();
    installation.apply()?;
    let applied = began.elapsed();
    until_converged(installation)?;
    let note = format!("; apply {:.1} s, then CPU seconds {}", applied.as_secs_f64(), shares(&installation.cpu()?, 1.0));
    let mut figures = vec![figure("apply_to_converged_s", began.elapsed().as_secs_f64(), "s", note).goal(Goal::AtMost(60.0))];
    show(&format!("converged after {:.1} s", began.elapsed().as_secs_f64()));
    ensure!(counts.present(sim) >= counts.expected(sim), "{} shadow users of {}", counts.present(sim), counts.expected(sim));

    let (spent, statements) = (installation.cpu()?, installation.statements().await?);
    tokio::time::sleep(IDLE).await;
    let (cpu, after) = (installation.cpu()?, installation.statements().await?);
    let cpu: BTreeMap<_, _> = cpu.into_iter().map(|(name, time)| (name, time.saturating_sub(spent[name]))).collect();
    let share = 100.0 / IDLE.as_secs_f64();
    let total = cpu.values().map(Duration::as_secs_f64).sum::<f64>() * share;
    figures.push(figure("idle_cpu", total, "% of a core", format!("; {}", shares(&cpu, share))).goal(Goal::AtMost(8.0)));
    if let (Some(before), Some(after)) = (statements, after) {
        figures
            .push(figure("idle_statements", (after - before) as f64 / IDLE.as_secs_f64(), "/s", String::new()).goal(Goal::AtMost(100.0)));
    }

    let mut took = Vec::new();
    for _ in 0..STATUSES {
        let began = Instant::now();
        installation.administer(&["status"])?;
        took.push(began.elapsed());
    }
    took.sort();
    figures.push(figure("status_s", took[STATUSES / 2].as_secs_f64(), "s", String::new()).goal(Goal::AtMost(1.0)));
    for (name, pid) in installation.processes()? {
        figures.push(figure(&format!("peak_rss_mib_{name}"), usage::peak_rss_mib(pid)?, "MiB", String::new()));
    }

    installation.stop().await?;
    let began = Instant::now();
    installation.start().await?;
    installation.until_ready().await?;
    let ready = began.elapsed();
    until_converged(installation)?;
    let note = format!("; converged again after {:.1} s", began.elapsed().as_secs_f64());
    figures.push(figure("start_to_ready_s", ready.as_secs_f64(), "s", note).goal(Goal::AtMost(20.0)));
    installation.stop().await?;
    Ok(figures)
}

fn until_converged(installation: &impl Installation) -> Result<()> {
    installation.administer(&["status", &format!("--wait={}s", SOON.as_secs())]).map(drop)
}

fn shares(cpu: &BTreeMap<&'static str, Duration>, factor: f64) -> String {
    cpu.iter().map(|(name, time)| format!("{name} {:.1}", time.as_secs_f64() * factor)).collect::<Vec<_>>().join(", ")
}
