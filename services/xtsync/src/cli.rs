//! The command line.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::runtime::Runtime;
use tracing::warn;
use xtsync_bus::wait_for_closing;

use crate::command::{
    apply, completions, config, eval, explain_field, get, rehire, republish, resume, resync, retry, run, schema, show, status, tenant,
    tenant_sim, test, topics,
};
use crate::demo;
use crate::exit::{self, render};

/// The longest wait at exit for the Kafka clients to close.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// Cross-tenant user synchronization, event by event.
#[derive(Debug, Parser)]
#[command(name = "xtsync", version, max_term_width = 100, after_help = exit::CODES)]
pub struct Cli {
    /// Show the causes of an error
    #[arg(long, short, global = true)]
    pub verbose: bool,

    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run services: all roles in one process on an embedded bus and store, or some roles on Kafka and PostgreSQL
    Run(Box<run::Args>),
    /// Apply resources: all of them as one revision, or none
    Apply(apply::Args),
    /// Show the state of all synchronizations and roles, or wait until they are converged
    Status(status::Args),
    /// List resources and their state
    Get(get::Args),
    /// Show one link and the reasons for its state
    Show(show::Args),
    /// Republish the current state, for consumers that lost a record
    Republish(republish::Args),
    /// Read a source from the beginning, where its cursor does not advance
    Resync(resync::Args),
    /// Resume writes to a target that a rebuild of the provisioner's store left observe-only
    Resume(resume::Args),
    /// Retry now what was refused, is in conflict or waits for its next try
    Retry(retry::Args),
    /// Confirm that a new account is the rehire of a former user, and restore the shadow user for it
    ///
    /// The former account's soft-deleted shadow user is restored with its access, redeemed anew and synchronized from the new account, as soon as
    /// that is in scope. It is refused while the new account has a shadow user of its own.
    Rehire(rehire::Args),
    /// Evaluate an expression or a scoping filter for one user, and show how it came to its value
    Eval(eval::Args),
    /// Run tests of expressions, scoping filters and whole synchronizations
    Test(test::Args),
    /// Confirm a change of a tenant, or rename a tenant
    #[command(subcommand, after_help = "Examples:\n  xtsync tenant confirm emea\n  xtsync tenant rename emea europe")]
    Tenant(tenant::Command),
    /// Create or list the topics on Kafka
    #[command(subcommand, after_help = "Example:\n  xtsync topics create --file config/")]
    Topics(topics::Command),
    /// Print the settings of `xtsync run`
    #[command(subcommand, after_help = "Example:\n  xtsync config print --defaults")]
    Config(Box<config::Command>),
    /// Print the JSON schema of the resources, by which editors complete and check YAML files
    Schema(schema::Args),
    /// Explain a field of a resource: its meaning, type, default and limits, and the fields in it
    ExplainField(explain_field::Args),
    /// Run a demonstration on simulated tenants and print how long each change took
    Demo(demo::Args),
    /// Serve simulated tenants that speak Microsoft Graph
    #[command(after_help = "Example:\n  xtsync tenant-sim --tenant emea=200 --tenant hub=0 --allow emea:hub")]
    TenantSim(Box<xtsync_tenant_sim::Args>),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// Parses the command line, runs the command and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let verbose = cli.verbose;
    let done = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(dispatch(cli.command));
        // A blocking read of a file system that does not respond must not keep the process alive.
        runtime.shutdown_timeout(CLOSE_MAX);
        done
    });
    // The threads that close Kafka clients must end before the process unloads the libraries they use.
    if !wait_for_closing(CLOSE_MAX) {
        warn!("the bus was not closed in time");
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed; then there is no place to report the failure.
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
        Command::Rehire(args) => rehire::run(args).await,
        Command::Eval(args) => eval::run(args).await,
        Command::Test(args) => test::run(&args),
        Command::Tenant(command) => tenant::run(command).await,
        Command::Topics(command) => topics::run(command).await,
        Command::Config(command) => config::run(&command),
        Command::Schema(args) => schema::run(&args),
        Command::ExplainField(args) => explain_field::run(&args),
        Command::Demo(args) => demo::run(args).await,
        Command::TenantSim(args) => tenant_sim::run(*args).await,
        Command::Completions(args) => completions::run(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_valid() {
        Cli::command().debug_assert();
    }
}
