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
use xtsync_store::{Lease, LeaseState, Options, Store};

use crate::context::{Context, LEASE, ROLE};
use crate::context_handle::ContextHandle;
use crate::metrics::Metrics;
use crate::tables::MIGRATIONS;
use crate::{Error, expire, folder, gauges, projector, reconcile, resolve};

/// How often something stored and not published is looked for. A publication that failed is tried again by then.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(5);

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
    context_handle: ContextHandle,
}

/// Opens the store.
///
/// # Errors
/// When the database is away or cannot be used.
pub async fn build(config: Config, parts: Parts, context_handle: ContextHandle) -> Result<Service, Error> {
    let Parts { bus, clock, replica, health, .. } = parts;
    let options = Options { url: config.store, service: ROLE.name(), migrations: MIGRATIONS, clock: Arc::clone(&clock) };
    let store = Store::open(options).await?;
    let lease = Lease::new(store.clone(), LEASE, &replica, config.lease_ttl);
    let (published_revision, folded) = (watch::Sender::new(0), watch::Sender::new(0));
    let topics = health.condition("control-topics");
    // Only the one at work knows better.
    topics.set(true, "");
    let (metrics, revision_lock) = (Metrics::new(), Mutex::new(()));
    let context = Arc::new(Context {
        store,
        bus,
        clock,
        lease,
        metrics,
        topics,
        connectors: config.connectors,
        hosts: config.hosts,
        revision_lock,
        published_revision,
        folded,
    });
    Ok(Service { context, folder: config.folder, republish: config.republish, context_handle })
}

impl Service {
    /// Works until the shutdown: waits for the lease, publishes what is left, then folds, pins and applies.
    ///
    /// # Errors
    /// When the store or the bus fails; whoever runs it builds it again.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let result = shutdown.or(self.work()).await.unwrap_or(Ok(()));
        self.context_handle.clear();
        // Calls in hand hold the context for at most their own time.
        if let Some(context) = Arc::into_inner(self.context) {
            context.lease.release().await;
            context.store.close().await;
        }
        result
    }

    async fn work(&self) -> Result<(), Error> {
        self.context_handle.set(Arc::clone(&self.context));
        tokio::try_join!(self.stand_by_or_lead(), ping(&self.context)).map(drop)
    }

    async fn stand_by_or_lead(&self) -> Result<(), Error> {
        let mut held = self.context.lease.watch();
        loop {
            held.wait_for(|held| matches!(held, LeaseState::Held(_))).await.map_err(|_| Error::NotLeading)?;
            tokio::select! {
                result = self.lead() => result?,
                _ = held.wait_for(|held| matches!(held, LeaseState::Lost)) => warn!("another replica of control may be at work: standing by"),
            }
            self.context.topics.set(true, "");
        }
    }

    /// What the one at work does.
    async fn lead(&self) -> Result<(), Error> {
        let context = self.context.as_ref();
        reconcile::reconcile(context).await?;
        resolve::resolve_pending(context).await?;
        info!("control is at work");
        let folder = async {
            match &self.folder {
                Some(folder) => folder::run(context, folder).await,
                None => std::future::pending().await,
            }
        };
        tokio::try_join!(projector::run(context), folder, recover(context, self.republish), expire::run(context), gauges::run(context))
            .map(drop)
    }
}

/// Notices a database that went away while nobody asks for anything.
async fn ping(context: &Context) -> Result<(), Error> {
    loop {
        tokio::time::sleep(RECOVERY_INTERVAL).await;
        context.store.ping().await?;
    }
}

/// Resolves and publishes now and then what is left to do, and much more rarely tells the bus what it has lost.
async fn recover(context: &Context, republish: Duration) -> Result<(), Error> {
    let mut reconciled_at = Instant::now();
    loop {
        tokio::time::sleep(RECOVERY_INTERVAL).await;
        if !republish.is_zero() && reconciled_at.elapsed() >= republish {
            reconcile::reconcile(context).await?;
            reconciled_at = Instant::now();
        }
        resolve::resolve_pending(context).await?;
    }
}
