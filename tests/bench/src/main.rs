//! The benchmarks of xtsync: starts everything it needs, measures, prints tables and writes `target/bench/report.json`.

mod bare;
mod busy;
mod collector;
mod comparison;
mod delayed;
mod failover;
mod first;
mod fixture;
mod initial;
mod isolation;
mod latency;
mod mass_loss;
mod policy;
mod replay;
mod report;
mod rules;
mod stages;
mod tenants;
mod usage;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;

use self::report::Report;
use self::tenants::Counts;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs the benchmarks of xtsync.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure [default: everything]
    measurements: Vec<Measurement>,

    /// Users of the source in policy, comparison, initial and replay
    #[arg(long, default_value_t = 100_000)]
    users: usize,

    /// Users who are decided again while changes are timed; the goal is stated for 100,000
    #[arg(long, default_value_t = 5_000)]
    replayed: usize,

    /// Users of the new source while changes are timed; the goal is stated for 50,000
    #[arg(long, default_value_t = 10_000)]
    created: usize,

    /// Users of a further first synchronization, whose memory is compared with that of `--users`
    #[arg(long)]
    larger: Option<usize>,

    /// Users of the first synchronization where every answer takes 20 ms
    #[arg(long, default_value_t = 6_000)]
    delayed: usize,

    /// Users who lose the scope at once; the goal is stated for 50,000
    #[arg(long, default_value_t = 5_000)]
    losing: usize,

    /// Sources of 20 users each in tenants and tenants-embedded
    #[arg(long, default_value_t = 500)]
    sources: usize,

    /// Targets there; each source has one, or each target has one of fewer sources
    #[arg(long, default_value_t = 5)]
    targets: usize,

    /// Tenants of 20 users there that no synchronization names
    #[arg(long, default_value_t = 495)]
    idle: usize,

    /// Where the report goes
    #[arg(long, default_value = "target/bench/report.json")]
    report: PathBuf,
}

impl Args {
    fn tenants(&self) -> Counts {
        Counts { sources: self.sources, targets: self.targets, idle: self.idle }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Measurement {
    /// Expressions, filters and decisions without a bus
    Rules,
    /// Policy against a baseline loop over Kafka
    Policy,
    /// From source to target, 50 changes a second
    Changes,
    /// The same beside a large backlog
    Busy,
    /// Leavers beside a backlog in a throttled target
    Leavers,
    /// Users who lose access during a full comparison of a slow source
    Comparison,
    /// Leavers behind users who lose the scope at once
    MassLoss,
    /// Failover after the owner of a target is killed
    Failover,
    /// Healthy targets beside failing ones
    Isolation,
    /// The first synchronization, and rest after it
    Initial,
    /// The first synchronization where every answer takes 20 ms
    Delayed,
    /// An apply that changes no user
    Replay,
    /// The stages of a change from source to target
    Stages,
    /// Many small tenants
    Tenants,
    /// The same in one process on embedded parts
    TenantsEmbedded,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let wanted = if args.measurements.is_empty() { Measurement::value_variants().to_vec() } else { args.measurements.clone() };
    let mut report = Report::default();
    for measurement in wanted {
        report::show(&format!("measuring {measurement:?} …"));
        report.extend(measure(measurement, &args).await?);
        // After each, so that what was measured is not lost with what fails.
        report.publish(&args.report)?;
    }
    Ok(())
}

async fn measure(measurement: Measurement, args: &Args) -> Result<Report> {
    Ok(match measurement {
        Measurement::Rules => rules::measure().into(),
        Measurement::Policy => policy::measure(args.users).await?.into(),
        Measurement::Changes => latency::changes().await?.into(),
        Measurement::Busy => busy::measure(args.replayed, args.created).await?.into(),
        Measurement::Leavers => latency::leavers().await?.into(),
        Measurement::Comparison => comparison::measure(args.users).await?.into(),
        Measurement::MassLoss => mass_loss::measure(args.losing).await?.into(),
        Measurement::Failover => failover::measure().await?.into(),
        Measurement::Isolation => isolation::measure().await?.into(),
        Measurement::Initial => initial::measure(args.users, args.larger).await?,
        Measurement::Delayed => delayed::measure(args.delayed).await?.into(),
        Measurement::Replay => replay::measure(args.users).await?.into(),
        Measurement::Stages => latency::stages().await?,
        Measurement::Tenants => tenants::fleet(&args.tenants()).await?.into(),
        Measurement::TenantsEmbedded => tenants::embedded(&args.tenants()).await?.into(),
    })
}
