//! `xtsync run`: runs roles until a signal.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tracing::info;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::{self, Format, TelemetryOptions};

use crate::exit;
use crate::run::{self, Options, Role};
use crate::settings::{Faults, Flag, Settings, Sources};

/// Runs services.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync run --role policy --bus kafka://broker:9093?security=tls\n\n\
Every setting, these and more, can stand in the file of --config or in the environment: `xtsync config print --defaults` lists them.")]
pub struct Args {
    /// A role to run; may be repeated [default: all]
    #[arg(long = "role", value_name = "NAME", value_parser = run::role_parser())]
    roles: Vec<Role>,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// Flags that override settings. Their defaults stand in the built-in defaults.
#[derive(Debug, clap::Args)]
pub struct SettingsArgs {
    /// A TOML file of settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where the bus is: kafka://host:port[,host:port][?security=tls|plaintext…] [default: embedded, in the data directory]
    #[arg(long, value_name = "URL")]
    bus: Option<String>,

    /// Where the stores are: postgres://user@host/database[?password_file=FILE] [default: embedded, in the data directory]
    #[arg(long, value_name = "URL")]
    store: Option<String>,

    /// The directory of the embedded bus and stores and of the token, for its owner alone (mode 0700) [default: xtsync-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// Where client secrets are: `clientSecret: {file: NAME}` of the Tenant TENANT is the file DIR/TENANT/NAME [default: secrets]
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<String>,

    /// A host, or host:port, that `endpoint` and `authority` of Tenants may name besides Microsoft's clouds and loopback; may be repeated
    #[arg(long = "allow-host", value_name = "HOST", value_delimiter = ',')]
    allowed_hosts: Vec<String>,

    /// File with the token of the control API, written if it is not there [default: token in the data directory]
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,

    /// Where the control API listens: on loopback [default: 127.0.0.1:8600]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Where /metrics, /livez and /readyz are [default: 127.0.0.1:8601]
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,

    /// Where directories post change notifications, for tenants with `graph.notifications` [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    notify_listen: Option<String>,

    /// A folder of YAML that control applies at start and on change
    #[arg(long, value_name = "DIR")]
    config_dir: Option<String>,

    /// How often a source is asked for changes [default: 30s]
    #[arg(long, value_name = "TIME")]
    poll: Option<String>,

    /// How often a source is read from the beginning, to find changes that its delta queries missed; 0s is never [default: 24h]
    #[arg(long, value_name = "TIME")]
    full_cycle_every: Option<String>,

    /// How often each role republishes what its store holds of a tenant, for consumers that lost a record; 0s is only when asked for [default: 24h]
    #[arg(long, value_name = "TIME")]
    republish_every: Option<String>,

    /// The name of this process among the replicas of a role [default: host name and process id]
    #[arg(long, value_name = "NAME")]
    replica: Option<String>,

    /// How long a lease lasts without renewal [default: 10s]
    #[arg(long, value_name = "TIME")]
    lease_ttl: Option<String>,

    /// The longest wait for running work to finish after a stop signal [default: 30s]
    #[arg(long, value_name = "TIME")]
    drain: Option<String>,

    /// The shape of log lines: auto (text on a terminal, JSON otherwise), text or json [default: auto]
    #[arg(long, value_name = "SHAPE")]
    log: Option<String>,
}

/// Runs the roles until a signal, then waits until their running work is finished.
///
/// # Errors
/// When the settings cannot be used, the roles cannot start, or do not finish in time.
pub async fn run(args: Args) -> exit::Result {
    let settings = args.settings.load(&args.roles).map_err(|faults| exit::Code::Usage.because(faults))?;
    let process = Process::read(&settings).map_err(|faults| exit::Code::Usage.because(faults))?;
    let telemetry = telemetry::init(&name(&process.options.roles), &TelemetryOptions::from_env(process.log))?;
    let shutdown = Shutdown::on_signal().context("listening to signals")?;
    let running = run::start(Options { registry: telemetry.registry(), ..process.options }).await?;
    info!(version = env!("CARGO_PKG_VERSION"), control = ?running.control, admin = ?running.admin, "started");
    shutdown.cancelled().await;
    running.stop(process.drain).await?;
    info!("stopped");
    Ok(())
}

/// The service name in traces: the role, or `all`.
fn name(roles: &BTreeSet<Role>) -> String {
    match Vec::from_iter(roles)[..] {
        [role] => role.to_string(),
        _ => "all".to_owned(),
    }
}

impl SettingsArgs {
    /// The settings in force.
    ///
    /// # Errors
    /// See [`Settings::load`].
    pub fn load(&self, roles: &[Role]) -> Result<Settings, Faults> {
        let one = |value: &Option<String>| value.clone().map(Flag::One);
        let many = |values: Vec<String>| Some(Flag::Many(values)).filter(|flag| !matches!(flag, Flag::Many(values) if values.is_empty()));
        let flags = [
            ("roles", many(roles.iter().map(Role::to_string).collect())),
            ("bus", one(&self.bus)),
            ("store", one(&self.store)),
            ("data_dir", one(&self.data_dir)),
            ("secrets_dir", one(&self.secrets_dir)),
            ("allow_hosts", many(self.allowed_hosts.clone())),
            ("control.token_file", one(&self.token_file)),
            ("control.listen", one(&self.listen)),
            ("admin_listen", one(&self.admin_listen)),
            ("change_detector.notify_listen", one(&self.notify_listen)),
            ("control.config_dir", one(&self.config_dir)),
            ("change_detector.poll", one(&self.poll)),
            ("change_detector.full_cycle_every", one(&self.full_cycle_every)),
            ("republish_every", one(&self.republish_every)),
            ("replica", one(&self.replica)),
            ("lease_ttl", one(&self.lease_ttl)),
            ("drain", one(&self.drain)),
            ("log", one(&self.log)),
        ];
        let flags = flags.into_iter().filter_map(|(key, flag)| Some((key, flag?))).collect();
        Settings::load(Sources { file: self.config.clone(), environment: std::env::vars().collect(), flags })
    }
}

/// The settings of a process.
struct Process {
    options: Options,
    log: Format,
    drain: Duration,
}

impl Process {
    fn read(settings: &Settings) -> Result<Self, Faults> {
        let mut reader = settings.reader();
        let options = Options::read(&mut reader);
        let log = match reader.text("log").as_str() {
            "auto" => Format::Auto,
            "text" => Format::Text,
            "json" => Format::Json,
            _ => reader.fault("log", "it must be auto, text or json"),
        };
        let drain = reader.duration("drain");
        reader.finish()?;
        Ok(Self { options, log, drain })
    }
}
