//! The options of a process.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prometheus::Registry;
use xtsync_directory::{Connectors, Directories};
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::admin::Reach;
use xtsync_runtime::private::{self, is_url};
use xtsync_secrets::SecretsDir;
use xtsync_store as store;

use super::Role;
use super::connectors::connectors;
use crate::settings::{Reader, Settings, Sources};

/// The options of a process.
#[derive(Debug, Clone)]
pub struct Options {
    /// The roles to run.
    pub roles: BTreeSet<Role>,
    /// The address of the bus; `None` is the embedded bus in the data directory.
    pub bus: Option<String>,
    /// The URL of the stores, `postgres://…`; `None` is one SQLite file per service in the data directory.
    pub store: Option<String>,
    /// The connectors by which directories are reached.
    pub connectors: Connectors,
    /// The directory of the embedded bus and stores and of the token.
    pub data_dir: PathBuf,
    /// The directory of the client secrets, with one sub-directory per tenant.
    pub secrets_dir: PathBuf,
    /// The hosts that `endpoint` and `authority` of Tenants may name.
    pub hosts: AllowedHosts,
    /// The token of the control API; `None` is `token` in the data directory.
    pub token_file: Option<PathBuf>,
    /// The listen address of the control API, on loopback.
    pub listen: SocketAddr,
    /// The listen address of probes and metrics; `None` serves none.
    pub admin: Option<ListenAddress>,
    /// The listen address for change notifications; `None` receives none.
    pub notify: Option<ListenAddress>,
    /// A folder of YAML that control applies at start and on change.
    pub config_dir: Option<PathBuf>,
    /// The interval between two incremental cycles of a source.
    pub poll: Duration,
    /// The interval between two full cycles of a source, which find changes that its delta queries missed; zero is never.
    pub full_cycle: Duration,
    /// The interval at which each role republishes its state of a tenant; zero is only on request.
    pub republish: Duration,
    /// The interval at which a tenant's access policy and scope groups are read.
    pub facts: Duration,
    /// How long deleted users and ended links are kept.
    pub forget: Duration,
    /// The most links worked on at once in one target.
    pub in_flight_max: usize,
    /// The longest wait for one call to a target.
    pub call_timeout: Duration,
    /// The interval at which the provisioner polls its queues without a wake-up.
    pub queue_poll: Duration,
    /// The longest wait for running calls at a stop.
    pub drain_timeout: Duration,
    /// The name of this replica.
    pub replica: String,
    /// The lifetime of a lease without renewal.
    pub lease_ttl: Duration,
    /// The registry that `/metrics` serves.
    pub registry: Registry,
}

/// A listen address.
#[derive(Debug, Clone, Copy)]
pub struct ListenAddress {
    /// The address.
    pub listen: SocketAddr,
    /// Which peers may reach it.
    pub reach: Reach,
}

impl From<SocketAddr> for ListenAddress {
    /// A loopback address accepts peers on loopback only; any other address accepts all peers.
    fn from(listen: SocketAddr) -> Self {
        Self { listen, reach: if listen.ip().is_loopback() { Reach::Loopback } else { Reach::Anywhere } }
    }
}

impl Options {
    /// All roles on an embedded bus and store in a data directory, on a free port, without probes. The demo and tests use it.
    ///
    /// # Panics
    /// Never: the built-in defaults can be read.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Self {
        let settings = Settings::load(Sources::default()).expect("the built-in defaults can be used");
        Self {
            data_dir: data_dir.to_owned(),
            secrets_dir: data_dir.join("secrets"),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            admin: None,
            ..Self::read(&mut settings.reader())
        }
    }

    /// Reads the options from settings. The reader collects the faults.
    #[must_use]
    pub fn read(settings: &mut Reader<'_>) -> Self {
        let bus = settings.optional("bus");
        // Only one process can hold the embedded bus, so its name is constant: after a restart it owns its leases again at once.
        let default_replica = || if bus.is_none() { "embedded".to_owned() } else { unique_name() };
        let hosts = settings.texts("allow_hosts");
        let hosts = AllowedHosts::with(hosts.iter().map(String::as_str));
        Self {
            roles: roles(settings),
            store: settings.optional("store"),
            connectors: connectors(),
            data_dir: settings.path("data_dir"),
            secrets_dir: settings.path("secrets_dir"),
            hosts: hosts.unwrap_or_else(|error| settings.fault("allow_hosts", &error.to_string())),
            token_file: settings.optional_path("control.token_file"),
            listen: settings.address("control.listen"),
            admin: settings.optional_address("admin_listen").map(Into::into),
            notify: settings.optional_address("change_detector.notify_listen").map(Into::into),
            config_dir: settings.optional_path("control.config_dir"),
            poll: settings.positive("change_detector.poll"),
            full_cycle: settings.duration("change_detector.full_cycle_every"),
            facts: settings.positive("change_detector.facts_every"),
            republish: settings.duration("republish_every"),
            forget: settings.positive("forget_after"),
            in_flight_max: settings.count("provisioner.in_flight_max"),
            call_timeout: settings.positive("provisioner.call_timeout"),
            queue_poll: settings.positive("provisioner.poll"),
            drain_timeout: settings.duration("provisioner.drain_timeout"),
            replica: settings.optional("replica").unwrap_or_else(default_replica),
            lease_ttl: settings.positive("lease_ttl"),
            registry: Registry::new(),
            bus,
        }
    }

    /// The file with the token of the control API.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.token_file.clone().unwrap_or_else(|| self.data_dir.join("token"))
    }

    /// The address of the bus.
    pub(super) fn bus_address(&self) -> String {
        self.bus.clone().unwrap_or_else(|| format!("embedded:{}", self.data_dir.join("bus.sqlite").display()))
    }

    /// The URL or directory of the stores.
    pub(super) fn store(&self) -> String {
        self.store.clone().unwrap_or_else(|| self.data_dir.display().to_string())
    }

    /// Builds the connectors for the services.
    pub(super) fn directories(&self) -> Directories {
        Directories { connectors: self.connectors.clone(), secrets: SecretsDir::new(&self.secrets_dir), hosts: self.hosts.clone() }
    }

    /// Creates the data directory, for its owner alone: it holds users' attributes.
    pub(super) fn make_data_dir(&self) -> anyhow::Result<()> {
        private::make_own_dir(&self.data_dir).with_context(|| format!("making the data directory {}", self.data_dir.display()))
    }

    /// Checks the address of the stores before they are opened. A directory is created, for its owner alone.
    pub(super) fn check_store(&self) -> anyhow::Result<()> {
        store::check_url(&self.store()).map_err(|error| anyhow!("--store: {error}"))?;
        match self.store.as_deref().filter(|store| !is_url(store)) {
            Some(dir) => private::make_own_dir(Path::new(dir)).with_context(|| format!("making the directory of the stores {dir}")),
            None => Ok(()),
        }
    }
}

/// The roles to run: those named, or all.
fn roles(settings: &mut Reader<'_>) -> BTreeSet<Role> {
    let names = settings.texts("roles");
    let mut roles = BTreeSet::new();
    for name in &names {
        match super::role::entry(name) {
            Some(entry) => drop(roles.insert(entry.manifest.role)),
            None => settings.fault("roles", &format!("there is no role '{name}'")),
        }
    }
    if names.is_empty() { super::all_roles() } else { roles }
}

/// A unique replica name. Two processes must never share one: each would treat the other's leases as its own.
fn unique_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "xtsync" } else { host.trim() };
    format!("{host}-{}", std::process::id())
}
