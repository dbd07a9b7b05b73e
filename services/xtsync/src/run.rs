//! Starts any set of roles in this process: all of them on embedded parts, or some on Kafka and PostgreSQL; one code path for both.
//!
//! Listeners are bound and the data directory is locked before anything works, so what cannot start says so at once. What is away
//! later does not end the process: a role that fails is built again, with growing pauses, and meanwhile the process is not ready.

mod connectors;
mod dependencies;
mod options;
mod role;
mod services;
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

pub use options::{ListenAddress, Options};
pub(crate) use role::entry as role_entry;
pub use role::parser as role_parser;
pub use xtsync_contract::role::Role;

use dependencies::Dependencies;
use services::Starter;

/// Roles at work in this process. Dropping it stops them without letting them finish; see [`Running::stop`].
pub struct Running {
    /// Where the control API listens, if control is among the roles.
    pub control: Option<SocketAddr>,
    /// Where probes and metrics are.
    pub admin: Option<SocketAddr>,
    /// Where change notifications are taken in, if they are.
    pub notify: Option<SocketAddr>,
    /// The file with the token of the control API.
    pub token_file: PathBuf,
    /// The process's health.
    pub health: Health,
    /// Asks the change-detector for a round now.
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
/// When an address is taken, the data directory is another process's, or the token cannot be read. What is merely away is waited for.
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
    let dependencies = Dependencies::start(&options, bus, &health, &shutdown, &mut running.roles);
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

/// The control API's listener and token, if control is among the roles. Beyond loopback it is refused: the token would travel in the
/// clear.
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

/// The bus, opened at once where that needs nobody: whether the data directory is another process's, or the address is none, must be known
/// before anything works. `None` where somebody is away; he is waited for.
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
        let connected = bus.wait_for(Option::is_some).await.expect("the roles are at work");
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

    /// Waits until the process is ready, or so long at most; tells whether it is.
    pub async fn ready_within(&self, limit: Duration) -> bool {
        const READY_POLL_INTERVAL: Duration = Duration::from_millis(20);
        let ready = async {
            while !self.health.is_ready() {
                tokio::time::sleep(READY_POLL_INTERVAL).await;
            }
        };
        timeout(limit, ready).await.is_ok()
    }

    /// Lets everything in hand finish, so long at most, and stops; the probes last.
    ///
    /// # Errors
    /// When the limit was not enough: what was in hand will be found again at the next start.
    pub async fn stop(mut self, limit: Duration) -> anyhow::Result<()> {
        self.health.drain();
        self.shutdown.begin();
        let drained = timeout(limit, async { while self.roles.join_next().await.is_some() {} }).await;
        self.roles.shutdown().await;
        self.admin_shutdown.begin();
        while self.admin_server.join_next().await.is_some() {}
        drained.with_context(|| format!("not everything in hand was finished within {limit:?}"))
    }
}
