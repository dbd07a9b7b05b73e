//! What a process is told to run.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use prometheus::Registry;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::admin::Reach;
use xtsync_runtime::private::{self, is_url};
use xtsync_secrets::SecretsDir;
use xtsync_store as store;

use super::Role;
use super::directories::Directories;

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
    pub admin: Option<Door>,
    /// Where the change-detector takes change notifications in; `None` takes none.
    pub notify: Option<Door>,
    /// A folder of YAML that control applies at start and on change.
    pub config_dir: Option<PathBuf>,
    /// How often a source is asked for changes.
    pub poll: Duration,
    /// How often a source is read from the beginning, to find what it never told; zero is never.
    pub compare: Duration,
    /// How often each role tells again what its store holds of a tenant; zero is never, unless asked for.
    pub republish: Duration,
    /// This process's name among the replicas.
    pub replica: String,
    /// How long a lease lasts without renewal.
    pub lease_ttl: Duration,
    /// What `/metrics` shows.
    pub registry: Registry,
}

/// Where something is served.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// The address.
    pub listen: SocketAddr,
    /// Who may reach it.
    pub reach: Reach,
}

impl From<SocketAddr> for Door {
    /// An address that somebody named is reached by whom he wants.
    fn from(listen: SocketAddr) -> Self {
        Self { listen, reach: if listen.ip().is_loopback() { Reach::Loopback } else { Reach::Anywhere } }
    }
}

impl Options {
    /// All roles on embedded parts in a data directory, on a free port, without probes: as the demo and tests run it.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Self {
        Self {
            roles: super::all_roles(),
            bus: None,
            store: None,
            data_dir: data_dir.to_owned(),
            secrets_dir: data_dir.join("secrets"),
            hosts: AllowedHosts::default(),
            token_file: None,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            admin: None,
            notify: None,
            config_dir: None,
            poll: Duration::from_secs(30),
            compare: Duration::from_secs(24 * 60 * 60),
            republish: Duration::from_secs(24 * 60 * 60),
            replica: "embedded".to_owned(),
            lease_ttl: Duration::from_secs(10),
            registry: Registry::new(),
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
        Directories { secrets: SecretsDir::new(&self.secrets_dir), hosts: self.hosts.clone() }
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
