//! Starts any set of roles in this process: all on an embedded bus and store, or some on Kafka and PostgreSQL. Both use one code path.
//!
//! Listeners are bound and the data directory is locked before any role starts, so that a wrong setup fails at once. A dependency that is
//! unavailable later does not end the process: a failed role is rebuilt with growing pauses, and the process is not ready meanwhile.

mod connectors;
mod dependencies;
mod options;
mod role;
mod starter;
mod supervise;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use xtsync_bus as bus;
use xtsync_bus::Bus;
use xtsync_change_detector::{Inbox, Trigger};
use xtsync_control::{ContextHandle, Token};
use xtsync_runtime::admin;
use xtsync_runtime::clock::SystemClock;
use xtsync_runtime::health::Health;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;

use crate::client::{self, Client};

pub(crate) use connectors::connectors;
pub use options::{ListenAddress, Options};
pub(crate) use role::entry as role_entry;
pub use role::parser as role_parser;
pub use xtsync_contract::role::Role;

use dependencies::Dependencies;
use starter::Starter;

/// The running roles of this process. Dropping it stops them without a drain; see [`Running::stop`].
pub struct Running {
    /// The listen address of the control API, if control is among the roles.
    pub control: Option<SocketAddr>,
    /// The listen address of probes and metrics.
    pub admin: Option<SocketAddr>,
    /// The listen address for change notifications, if there is one.
    pub notify: Option<SocketAddr>,
    /// The file with the token of the control API.
    pub token_file: PathBuf,
    /// The process's health.
    pub health: Health,
    /// Triggers a sync cycle of the change-detector now.
    pub trigger: Trigger,
    bus: watch::Receiver<Option<Bus>>,
    shutdown: Shutdown,
    roles: JoinSet<()>,
    admin_server: JoinSet<()>,
    admin_shutdown: Shutdown,
}

/// The names of all roles.
#[must_use]
pub fn all_roles() -> BTreeSet<Role> {
    role::all().collect()
}

/// Starts roles.
///
/// # Errors
/// When an address is in use, another process holds the data directory, or the token cannot be read. An unavailable broker or database is
/// no error: the roles wait for it.
pub async fn start(options: Options) -> anyhow::Result<Running> {
    let health = Health::new();
    options.check_store()?;
    let control = listen(&options).await?;
    let admin = bind(options.admin).await?;
    let notify = bind(options.notify.filter(|_| options.roles.contains(&Role::CHANGE_DETECTOR))).await?;
    let bus = open_bus(&options).await?;
    let (shutdown, admin_shutdown) = (Shutdown::new(), Shutdown::new());
    let mut running = Running {
        control: control.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?,
        admin: admin.as_ref().map(TcpListener::local_addr).transpose()?,
        notify: notify.as_ref().map(TcpListener::local_addr).transpose()?,
        token_file: options.token_file(),
        health: health.clone(),
        trigger: Trigger::default(),
        bus: watch::channel(None).1,
        shutdown: shutdown.clone(),
        roles: JoinSet::new(),
        admin_server: JoinSet::new(),
        admin_shutdown: admin_shutdown.clone(),
    };
    if let Some(listener) = admin {
        let served = admin::serve(listener, health.clone(), options.registry.clone(), admin_shutdown);
        running.admin_server.spawn(served);
    }
    let context_handle = ContextHandle::new();
    if let Some((listener, token)) = control {
        let served = xtsync_control::serve(listener, token, context_handle.clone(), shutdown.clone());
        running.roles.spawn(async move { report("control API", served.await) });
    }
    let dependencies = Dependencies::start(&options, role::kinds(&options.roles), bus, (&health, &shutdown), &mut running.roles);
    running.bus = dependencies.bus();
    let inbox = Inbox::new(running.trigger.clone());
    if let Some(listener) = notify {
        let served = xtsync_change_detector::serve(listener, inbox.clone(), shutdown.clone());
        running.roles.spawn(served);
    }
    let starter = Starter { options: options.clone(), context_handle, inbox, dependencies };
    for role in &options.roles {
        running.roles.spawn(supervise::supervise(*role, starter.clone(), health.condition(role.name()), shutdown.clone()));
    }
    Ok(running)
}

/// The control API's listener and token, if control is among the roles. An address beyond loopback is refused: the token would
/// travel in the clear.
async fn listen(options: &Options) -> anyhow::Result<Option<(TcpListener, Token)>> {
    if !options.roles.contains(&Role::CONTROL) {
        return Ok(None);
    }
    anyhow::ensure!(options.listen.ip().is_loopback(), "the control API listens on loopback only for now, not on {}", options.listen);
    let listener = TcpListener::bind(options.listen).await.with_context(|| format!("listening on {}", options.listen))?;
    options.make_data_dir()?;
    let file = options.token_file();
    let token = Token::read_or_create(&file).with_context(|| format!("reading or making the token in {}", file.display()))?;
    Ok(Some((listener, token)))
}

async fn bind(address: Option<ListenAddress>) -> anyhow::Result<Option<TcpListener>> {
    Ok(match address {
        Some(address) => Some(admin::bind(address.listen, address.reach).await?),
        None => None,
    })
}

/// Connects to the bus. `None` where the broker is unavailable; the roles wait for it.
///
/// A data directory of another process and an invalid address fail here, before any role starts.
async fn open_bus(options: &Options) -> anyhow::Result<Option<Bus>> {
    let place = match &options.bus {
        Some(_) => "the bus".to_owned(),
        None => {
            options.make_data_dir()?;
            format!("the data directory {}", options.data_dir.display())
        }
    };
    match bus::connect(&options.bus_address(), Arc::new(SystemClock)).await {
        Ok(bus) => Ok(Some(bus)),
        Err(bus::Error::Unavailable(_)) => Ok(None),
        Err(error) => Err(anyhow!("{place} cannot be used: {error}")),
    }
}

fn report<E: std::error::Error + 'static>(what: &'static str, ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::error!(what, error = chain(&error), "a listener failed");
    }
}

impl Running {
    /// The bus, as soon as it is connected.
    ///
    /// # Panics
    /// When the roles were stopped before.
    pub async fn bus(&self) -> Bus {
        let mut bus = self.bus.clone();
        let connected = bus.wait_for(Option::is_some).await.expect("the roles are running");
        connected.clone().expect("just waited for")
    }

    /// A client of its control API.
    ///
    /// # Errors
    /// When control is not among the roles, or does not answer.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let address = self.control.context("control is not among the roles")?;
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await.context("connecting to control")?;
        client::client(channel, &Token::read(&self.token_file)?)
    }

    /// Waits until the process is ready, at most `limit`. Returns whether it is ready.
    pub async fn ready_within(&self, limit: Duration) -> bool {
        const READY_POLL_INTERVAL: Duration = Duration::from_millis(20);
        let ready = async {
            while !self.health.is_ready() {
                tokio::time::sleep(READY_POLL_INTERVAL).await;
            }
        };
        timeout(limit, ready).await.is_ok()
    }

    /// Drains running work, at most `limit`, and stops the roles; the probes stop last.
    ///
    /// # Errors
    /// When the drain exceeds `limit`. The next start resumes the unfinished work.
    pub async fn stop(mut self, limit: Duration) -> anyhow::Result<()> {
        self.health.drain();
        self.shutdown.begin();
        let drained = timeout(limit, async { while self.roles.join_next().await.is_some() {} }).await;
        self.roles.shutdown().await;
        self.admin_shutdown.begin();
        while self.admin_server.join_next().await.is_some() {}
        drained.with_context(|| format!("running work was not finished within {limit:?}"))
    }
}
