//! Control as a service: `Config` → [`build`] → [`Service::run`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::{info, warn};
use xtsync_directory::Connectors;
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;
use xtsync_store::{Held, Lease, Options, Store};

use crate::context::{Context, LEASE, ROLE};
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::tables::MIGRATIONS;
use crate::{Error, adopt, expire, feed, folder, gauges, resolve};

/// How often something stored and not published is looked for. A publication that failed is tried again by then.
const RECOVER: Duration = Duration::from_secs(5);

/// What control is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its store is: `postgres://…`, or the directory of its SQLite file.
    pub store: String,
    /// How long its lease lasts without renewal.
    pub lease_ttl: Duration,
    /// A folder of YAML that is applied at start and on change.
    pub folder: Option<PathBuf>,
    /// What reads the connector sections of Tenants.
    pub connectors: Connectors,
    /// The hosts that a Tenant may name.
    pub hosts: AllowedHosts,
    /// How often the configuration on the bus is compared with the store; zero is only at start, and when asked for.
    pub republish: Duration,
}

/// Control, built and not running yet.
pub struct Service {
    context: Arc<Context>,
    folder: Option<PathBuf>,
    republish: Duration,
    desk: Desk,
}

/// Opens the store.
///
/// # Errors
/// When the database is away or cannot be used.
pub async fn build(config: Config, parts: Parts, desk: Desk) -> Result<Service, Error> {
    let Parts { bus, clock, replica, health, .. } = parts;
    let options = Options { url: config.store, service: ROLE.name(), migrations: MIGRATIONS, clock: Arc::clone(&clock) };
    let store = Store::open(options).await?;
    let lease = Lease::new(store.clone(), LEASE, &replica, config.lease_ttl);
    let (revised, folded) = (watch::Sender::new(0), watch::Sender::new(0));
    let topics = health.condition("control-topics");
    // Only the one at work knows better.
    topics.set(true, "");
    let (metrics, revising) = (Metrics::new(), Mutex::new(()));
    let context = Arc::new(Context {
        store,
        bus,
        clock,
        lease,
        metrics,
        topics,
        connectors: config.connectors,
        hosts: config.hosts,
        revising,
        revised,
        folded,
    });
    Ok(Service { context, folder: config.folder, republish: config.republish, desk })
}

impl Service {
    /// Works until the shutdown: waits for the lease, publishes what is left, then folds, pins and applies.
    ///
    /// # Errors
    /// When the store or the bus fails; whoever runs it builds it again.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let worked = shutdown.or(self.work()).await.unwrap_or(Ok(()));
        self.desk.close();
        // Calls in hand hold the context for at most their own time.
        if let Some(context) = Arc::into_inner(self.context) {
            context.lease.release().await;
            context.store.close().await;
        }
        worked
    }

    async fn work(&self) -> Result<(), Error> {
        self.desk.open(Arc::clone(&self.context));
        tokio::try_join!(self.stand_by_or_lead(), ping(&self.context)).map(drop)
    }

    async fn stand_by_or_lead(&self) -> Result<(), Error> {
        let mut held = self.context.lease.watch();
        loop {
            held.wait_for(|held| matches!(held, Held::Held(_))).await.map_err(|_| Error::NotLeading)?;
            tokio::select! {
                worked = self.lead() => worked?,
                _ = held.wait_for(|held| matches!(held, Held::Lost)) => warn!("another replica of control may be at work: standing by"),
            }
            self.context.topics.set(true, "");
        }
    }

    /// What the one at work does.
    async fn lead(&self) -> Result<(), Error> {
        let context = self.context.as_ref();
        adopt::make_whole(context).await?;
        resolve::follow_up(context).await?;
        info!("control is at work");
        let folder = async {
            match &self.folder {
                Some(folder) => folder::run(context, folder).await,
                None => std::future::pending().await,
            }
        };
        tokio::try_join!(feed::run(context), folder, recover(context, self.republish), expire::run(context), gauges::run(context)).map(drop)
    }
}

/// Notices a database that went away while nobody asks for anything.
async fn ping(context: &Context) -> Result<(), Error> {
    loop {
        tokio::time::sleep(RECOVER).await;
        context.store.ping().await?;
    }
}

/// Resolves and publishes now and then what is left to do, and much more rarely tells the bus what it has lost.
async fn recover(context: &Context, republish: Duration) -> Result<(), Error> {
    let mut whole = Instant::now();
    loop {
        tokio::time::sleep(RECOVER).await;
        if !republish.is_zero() && whole.elapsed() >= republish {
            adopt::make_whole(context).await?;
            whole = Instant::now();
        }
        resolve::follow_up(context).await?;
    }
}
