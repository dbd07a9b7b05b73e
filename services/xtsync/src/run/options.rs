//! What a process is told to run.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prometheus::Registry;
use xtsync_directory::Directories;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::admin::Reach;
use xtsync_runtime::private::{self, is_url};
use xtsync_secrets::SecretsDir;
use xtsync_store as store;

use super::Role;
use super::connectors::connectors;
use crate::settings::{Reader, Settings, Sources};

/// What a process is told to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which roles.
    pub roles: BTreeSet<Role>,
    /// Where the bus is; `None` is the embedded one in the data directory.
    pub bus: Option<String>,
    /// Where the stores are: `postgres://…`; `None` is one SQLite file a service in the data directory.
    pub store: Option<String>,
    /// Where embedded parts and the token are.
    pub data_dir: PathBuf,
    /// Where the secrets are that tenants refer to, a sub-directory a tenant.
    pub secrets_dir: PathBuf,
    /// The hosts that tenants may name.
    pub hosts: AllowedHosts,
    /// The token of the control API; `None` is `token` in the data directory.
    pub token_file: Option<PathBuf>,
    /// Where the control API listens: on loopback.
    pub listen: SocketAddr,
    /// Where probes and metrics are; `None` serves none.
    pub admin: Option<ListenAddress>,
    /// Where the change-detector takes change notifications in; `None` takes none.
    pub notify: Option<ListenAddress>,
    /// A folder of YAML that control applies at start and on change.
    pub config_dir: Option<PathBuf>,
    /// How often a source is asked for changes.
    pub poll: Duration,
    /// How often a source is read from the beginning, to find what it never told; zero is never.
    pub full_cycle: Duration,
    /// How often each role tells again what its store holds of a tenant; zero is never, unless asked for.
    pub republish: Duration,
    /// How often a tenant's policy and groups are read.
    pub facts: Duration,
    /// How long what has ended stays known.
    pub forget: Duration,
    /// The most links worked on at once in one target.
    pub in_flight_max: usize,
    /// The longest wait for one call to a target.
    pub call_timeout: Duration,
    /// How often the provisioner's queues are looked through although nothing woke it.
    pub queue_poll: Duration,
    /// The longest wait for calls in hand when asked to stop.
    pub drain_timeout: Duration,
    /// This process's name among the replicas.
    pub replica: String,
    /// How long a lease lasts without renewal.
    pub lease_ttl: Duration,
    /// What `/metrics` shows.
    pub registry: Registry,
}

/// Where something is served.
#[derive(Debug, Clone, Copy)]
pub struct ListenAddress {
    /// The address.
    pub listen: SocketAddr,
    /// Who may reach it.
    pub reach: Reach,
}

impl From<SocketAddr> for ListenAddress {
    /// An address that somebody named is reached by whom he wants.
    fn from(listen: SocketAddr) -> Self {
        Self { listen, reach: if listen.ip().is_loopback() { Reach::Loopback } else { Reach::Anywhere } }
    }
}

impl Options {
    /// All roles on embedded parts in a data directory, on a free port, without probes: as the demo and tests run it.
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

    /// What settings say; what is wrong with them stands in the reader.
    #[must_use]
    pub fn read(settings: &mut Reader<'_>) -> Self {
        let bus = settings.optional("bus");
        // One process has the embedded bus, so its name may stay the same, and its leases are its own again at once after a restart.
        let default_replica = || if bus.is_none() { "embedded".to_owned() } else { unique_name() };
        let hosts = settings.texts("allow_hosts");
        let hosts = AllowedHosts::with(hosts.iter().map(String::as_str));
        Self {
            roles: roles(settings),
            store: settings.optional("store"),
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

    /// Where the bus is.
    pub(super) fn bus_address(&self) -> String {
        self.bus.clone().unwrap_or_else(|| format!("embedded:{}", self.data_dir.join("bus.sqlite").display()))
    }

    /// Where the stores are: a URL or a directory.
    pub(super) fn store(&self) -> String {
        self.store.clone().unwrap_or_else(|| self.data_dir.display().to_string())
    }

    /// Makes the connectors that services are given.
    pub(super) fn directories(&self) -> Directories {
        Directories { connectors: connectors(), secrets: SecretsDir::new(&self.secrets_dir), hosts: self.hosts.clone() }
    }

    /// Makes the data directory, for its owner alone: it holds people's attributes.
    pub(super) fn make_data_dir(&self) -> anyhow::Result<()> {
        private::make_own_dir(&self.data_dir).with_context(|| format!("making the data directory {}", self.data_dir.display()))
    }

    /// Looks at where the stores are, as far as that can be told before they are opened; a directory is made as the data directory is.
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

/// Two processes must never share a name: each would take the other's leases for its own.
fn unique_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "xtsync" } else { host.trim() };
    format!("{host}-{}", std::process::id())
}
