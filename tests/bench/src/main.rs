//! The benchmarks of xtsync: starts everything it needs, measures, prints a table and writes `target/bench/report.json`.

mod baseline;
mod busy;
mod comparison;
mod failover;
mod fixture;
mod initial;
mod isolation;
mod latency;
mod policy;
mod replay;
mod report;
mod usage;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use self::report::Figure;

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

    /// Where the report goes
    #[arg(long, default_value = "target/bench/report.json")]
    report: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Measurement {
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
    /// Failover after the owner of a target is killed
    Failover,
    /// Healthy targets beside failing ones
    Isolation,
    /// The first synchronization, and rest after it
    Initial,
    /// An apply that changes no user
    Replay,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let wanted = if args.measurements.is_empty() { Measurement::value_variants().to_vec() } else { args.measurements.clone() };
    let mut figures = Vec::new();
    for measurement in wanted {
        report::show(&format!("measuring {measurement:?} …"));
        figures.extend(measure(measurement, &args).await?);
        // After each, so that what was measured is not lost with what fails.
        report::publish(&figures, &args.report)?;
    }
    Ok(())
}

async fn measure(measurement: Measurement, args: &Args) -> Result<Vec<Figure>> {
    match measurement {
        Measurement::Policy => policy::measure(args.users).await,
        Measurement::Changes => latency::changes().await,
        Measurement::Busy => busy::measure(args.replayed, args.created).await,
        Measurement::Leavers => latency::leavers().await,
        Measurement::Comparison => comparison::measure(args.users).await,
        Measurement::Failover => failover::measure().await,
        Measurement::Isolation => isolation::measure().await,
        Measurement::Initial => initial::measure(args.users).await,
        Measurement::Replay => replay::measure(args.users).await,
    }
}
