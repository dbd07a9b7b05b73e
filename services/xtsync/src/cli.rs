//! The command line.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use tracing::warn;
use xtsync_bus::wait_for_closing;

use crate::command::{apply, completions, config, get, republish, resume, resync, retry, run, show, status, tenant, tenant_sim, topics};
use crate::demo;
use crate::exit::{self, render};

/// How long the end waits for clients of Kafka to be closed.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// Cross-tenant user synchronization, event by event.
#[derive(Debug, Parser)]
#[command(name = "xtsync", version, max_term_width = 100, after_help = exit::CODES)]
pub struct Cli {
    /// Show the causes of an error
    #[arg(long, short, global = true)]
    pub verbose: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the services: all roles in one process on embedded parts, or some of them on Kafka and PostgreSQL
    Run(Box<run::Args>),
    /// Apply resources: all of them as one revision, or none
    Apply(apply::Args),
    /// Show how far everything is, or wait until it is converged
    Status(status::Args),
    /// List resources and what became of them
    Get(get::Args),
    /// Show one link and why it is as it is
    Show(show::Args),
    /// Have the current state told again, for who has lost a record
    Republish(republish::Args),
    /// Have a source read from the beginning, where it stands at a cursor that does not lead on
    Resync(resync::Args),
    /// Have a target written again that only observes, because the provisioner's store was lost
    Resume(resume::Args),
    /// Try again now what waits for a time or for a target's word
    Retry(retry::Args),
    /// Say something about a tenant as a whole
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Create or list the topics on Kafka
    #[command(subcommand)]
    Topics(topics::Command),
    /// Print the settings of `xtsync run`
    #[command(subcommand)]
    Config(Box<config::Command>),
    /// Play a story on simulated tenants and tell what it took
    Demo(demo::Args),
    /// Serve simulated tenants that speak Microsoft Graph
    TenantSim(Box<xtsync_tenant_sim::Args>),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let verbose = cli.verbose;
    let done = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(dispatch(cli.command));
        // A read of a file system that does not answer does not keep the process.
        runtime.shutdown_timeout(CLOSE_MAX);
        done
    });
    // Else the libraries below would be taken down under the threads that still say goodbye to Kafka.
    if !wait_for_closing(CLOSE_MAX) {
        warn!("the bus was not left properly");
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell where standard error is closed.
            std::io::stderr().write_all(render(&failure, verbose).as_bytes()).ok();
            failure.code.into()
        }
    }
}

async fn dispatch(command: Command) -> exit::Result {
    match command {
        Command::Run(args) => run::run(*args).await,
        Command::Apply(args) => apply::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Get(args) => get::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Republish(args) => republish::run(args).await,
        Command::Resync(args) => resync::run(args).await,
        Command::Resume(args) => resume::run(args).await,
        Command::Retry(args) => retry::run(args).await,
        Command::Tenant(command) => tenant::run(command).await,
        Command::Topics(command) => topics::run(command).await,
        Command::Config(command) => config::run(&command),
        Command::Demo(args) => demo::run(args).await,
        Command::TenantSim(args) => tenant_sim::run(*args).await,
        Command::Completions(args) => completions::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        Cli::command().debug_assert();
    }
}
