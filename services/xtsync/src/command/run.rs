//! `xtsync run`: roles until a signal.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prometheus::Registry;
use tracing::info;
use xtsync_domain::duration;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::private::is_url;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::{self, Format, TelemetryOptions};

use crate::exit;
use crate::run::{self, Options, Role};

/// Runs services.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A role to run; may be repeated [default: all]
    #[arg(long = "role", value_name = "NAME", value_parser = run::role_parser())]
    roles: Vec<Role>,

    /// Where the bus is: kafka://host:port[,host:port][?security=tls|plaintext…] [default: embedded, in the data directory]
    #[arg(long, value_name = "URL", env = "XTSYNC_BUS", hide_env_values = true)]
    bus: Option<String>,

    /// Where the stores are: postgres://user@host/database[?password_file=FILE] [default: embedded, in the data directory]
    #[arg(long, value_name = "URL", env = "XTSYNC_STORE", hide_env_values = true)]
    store: Option<String>,

    /// Where embedded parts and the token are, for their owner alone (mode 0700)
    #[arg(long, value_name = "DIR", value_parser = path, default_value = "xtsync-data", env = "XTSYNC_DATA_DIR")]
    data_dir: PathBuf,

    /// Where client secrets are: `clientSecret: {file: NAME}` of the Tenant TENANT is the file DIR/TENANT/NAME
    #[arg(long, value_name = "DIR", value_parser = path, default_value = "secrets", env = "XTSYNC_SECRETS_DIR")]
    secrets_dir: PathBuf,

    /// A host, or host:port, that `endpoint` and `authority` of Tenants may name besides Microsoft's clouds and loopback; may be repeated
    #[arg(long = "allow-host", value_name = "HOST", env = "XTSYNC_ALLOW_HOSTS", value_delimiter = ',')]
    allowed_hosts: Vec<String>,

    /// File with the token of the control API, written if it is not there [default: token in the data directory]
    #[arg(long, value_name = "FILE", env = "XTSYNC_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// Where the control API listens: on loopback
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8600")]
    listen: SocketAddr,

    /// Where /metrics, /livez and /readyz are
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8601")]
    admin_listen: SocketAddr,

    /// Where directories post change notifications, for tenants that say `graph.notifications` [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    notify_listen: Option<SocketAddr>,

    /// A folder of YAML that control applies at start and on change
    #[arg(long, value_name = "DIR", value_parser = path)]
    config_dir: Option<PathBuf>,

    /// How often a source is asked for changes
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse_positive)]
    poll: Duration,

    /// How often a source is read from the beginning, to find changes that it never told of; 0s is never
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration::parse)]
    compare_every: Duration,

    /// How often each role tells again what its store holds of a tenant, for who has lost a record; 0s is only when asked for
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration::parse)]
    republish_every: Duration,

    /// This process's name among the replicas of a role [default: host name and process id]
    #[arg(long, value_name = "NAME", env = "XTSYNC_REPLICA")]
    replica: Option<String>,

    /// How long a lease lasts without renewal
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse_positive)]
    lease_ttl: Duration,

    /// How long to finish what is in hand when asked to stop
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    drain: Duration,

    /// The shape of log lines
    #[arg(long, value_enum, default_value_t = Log::Auto)]
    log: Log,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Log {
    /// Text on a terminal, JSON else
    Auto,
    /// For people
    Text,
    /// For machines
    Json,
}

/// Runs them until a signal, then lets them finish.
///
/// # Errors
/// When they cannot start, or not finish in time.
pub async fn run(args: Args) -> exit::Result {
    let telemetry = telemetry::init(&name(&args.roles), &TelemetryOptions::from_env(args.log.into()))?;
    let shutdown = Shutdown::on_signal().context("listening to signals")?;
    let drain = args.drain;
    let running = run::start(args.into_options(telemetry.registry())?).await?;
    info!(version = env!("CARGO_PKG_VERSION"), control = ?running.control, admin = ?running.admin, "started");
    shutdown.cancelled().await;
    running.stop(drain).await?;
    info!("stopped");
    Ok(())
}

/// How collectors know the process.
fn name(roles: &[Role]) -> String {
    match roles {
        [role] => role.to_string(),
        _ => "all".to_owned(),
    }
}

impl Args {
    fn into_options(self, registry: Registry) -> anyhow::Result<Options> {
        let roles = if self.roles.is_empty() { run::all_roles() } else { BTreeSet::from_iter(self.roles) };
        // One process has the embedded bus, so its name may stay the same, and its leases are its own again at once after a restart.
        let embedded = self.bus.is_none();
        let replica = self.replica.unwrap_or_else(|| if embedded { "embedded".to_owned() } else { unique_name() });
        let hosts = AllowedHosts::with(self.allowed_hosts.iter().map(String::as_str)).map_err(|error| anyhow!("--allow-host: {error}"))?;
        Ok(Options {
            roles,
            bus: self.bus,
            store: self.store,
            data_dir: self.data_dir,
            secrets_dir: self.secrets_dir,
            hosts,
            token_file: self.token_file,
            listen: self.listen,
            admin: Some(self.admin_listen.into()),
            notify: self.notify_listen.map(Into::into),
            config_dir: self.config_dir,
            poll: self.poll,
            compare: self.compare_every,
            republish: self.republish_every,
            replica,
            lease_ttl: self.lease_ttl,
            registry,
        })
    }
}

/// A path: a URL where one is wanted is a mistake, not a folder to be made.
fn path(text: &str) -> Result<PathBuf, String> {
    if is_url(text) { Err("it is a URL, not a path".to_owned()) } else { Ok(text.into()) }
}

/// Two processes must never share a name: each would take the other's leases for its own.
fn unique_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "xtsync" } else { host.trim() };
    format!("{host}-{}", std::process::id())
}

impl From<Log> for Format {
    fn from(log: Log) -> Self {
        match log {
            Log::Auto => Self::Auto,
            Log::Text => Self::Text,
            Log::Json => Self::Json,
        }
    }
}
