//! `xtsync demo`: runs the demo scenario on simulated tenants, and prints how long each change took to reach the target.
//!
//! Two sources and a target run in one process, with 2,000 users, seven single changes and 100 movers at once. All data is in a temporary
//! folder, which is deleted when the demo ends.

mod clock;
mod events;
mod report;

use std::time::{Duration, Instant};

use xtsync_tenant_sim::Sim;

use crate::exit;
use crate::output;
use crate::sandbox::Sandbox;

use clock::Clock;
use events::{DemoUsers, Event};
use report::Report;

/// The source whose users change.
const SOURCE: &str = "contoso-emea";
/// The other source.
const OTHER: &str = "contoso-us";
/// The target.
const TARGET: &str = "contoso";

const CONFIGURATION: &str = include_str!("demo/contoso.yaml");

/// The grace period of a lost scope in the demo, as its configuration sets it.
const GRACE_PERIOD: Duration = Duration::from_secs(1);

/// The longest wait for the first synchronization.
const INITIAL_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest wait for convergence after an event.
const CONVERGE_TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the demo.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync demo --json")]
pub struct Args {
    /// Print the result as one JSON object, on the last line
    #[arg(long)]
    json: bool,
}

/// Runs the demo and prints its report.
///
/// # Errors
/// When a change does not reach the target, or a write failed.
pub async fn run(args: Args) -> exit::Result {
    let tenants = Sim::builder().tenant(SOURCE, 1200).tenant(OTHER, 800).tenant(TARGET, 0);
    let mut sandbox = Sandbox::open(tenants.allow(SOURCE, TARGET).allow(OTHER, TARGET).seed(7).build()?).await?;
    let played = play(&mut sandbox).await;
    sandbox.close().await?;
    let report = played?;
    if args.json {
        output::line(&report.json()?)?;
    } else {
        output::line(&format!("\n{}\n\n{}", report.table(), next_steps()))?;
    }
    if report.failed() {
        return Err(anyhow::anyhow!("some changes failed").into());
    }
    Ok(())
}

async fn play(sandbox: &mut Sandbox) -> exit::Result<Report> {
    first_synchronization(sandbox).await?;
    let users = DemoUsers::of(sandbox.tenant(SOURCE)?)?;
    let mut all = Vec::new();
    for event_fn in events::events() {
        let clock = Clock::start(sandbox.sim().journal(), SOURCE, TARGET);
        let event = event_fn(&users)?;
        let grace_period = if event.has_grace_period { GRACE_PERIOD } else { Duration::ZERO };
        let took: Vec<Duration> = clock.took(&event.expected).await?.into_iter().map(|took| took.saturating_sub(grace_period)).collect();
        output::line(&summary(&event, &took))?;
        all.extend(took);
        sandbox.converge(CONVERGE_TIMEOUT).await?;
    }
    let status = sandbox.status().await?;
    Ok(Report::new(&status.synchronizations, all))
}

async fn first_synchronization(sandbox: &mut Sandbox) -> exit::Result {
    output::line(
        "Contoso EMEA and Contoso US (2,000 users) are synchronized into Contoso, which allows them: simulated tenants,\nall roles in this process, everything durable.\n",
    )?;
    #[expect(clippy::disallowed_methods, reason = "the demo reports elapsed time")]
    let began = Instant::now();
    sandbox.apply("contoso.yaml", CONFIGURATION, false).await?;
    sandbox.converge(INITIAL_TIMEOUT).await?;
    let there = sandbox.tenant(TARGET)?.user_count();
    let took = began.elapsed().as_secs_f64();
    let rate = (there as f64 / took).round();
    output::line(&format!("{:<27} {there} users in {took:.1} s ({rate} a second), no invitation mail sent", "the first synchronization"))?;
    Ok(())
}

/// One line per event: the kind of user, the change in the source, the write in the target, and the time between the two commits.
fn summary(event: &Event, took: &[Duration]) -> String {
    let slowest = took.iter().max().copied().unwrap_or_default().as_secs_f64() * 1_000.0;
    let grace_note = if event.has_grace_period { format!(" (and {} s grace period)", GRACE_PERIOD.as_secs()) } else { String::new() };
    let last = if took.len() > 1 { "the last after " } else { "" };
    format!("{:<27} {} → {}: {last}{}{grace_note}", event.title, event.source, event.target, output::good(&format!("{slowest:.0} ms")))
}

fn next_steps() -> &'static str {
    "Next: `target/demo/xtsync tenant-sim --help` serves such tenants to try things on, `xtsync run` and `xtsync apply -f` keep them in step;\nREADME.md shows how to point it at your own tenants, Kafka and PostgreSQL."
}
