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
use crate::{Error, count, expire, folder, projector, reconcile, resolve};

/// The interval at which the leader looks for a new or unpublished revision. A failed publication is retried after it.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(5);

/// The settings of control.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store: a `postgres://…` URL, or the directory of the SQLite file.
    pub store: String,
    /// How long the lease lasts without renewal.
    pub lease_ttl: Duration,
    /// A folder of YAML files that the leader applies at start and on change.
    pub folder: Option<PathBuf>,
    /// The connectors, which parse the connector sections of Tenants.
    pub connectors: Connectors,
    /// The hosts that a Tenant may name besides those of its connector.
    pub hosts: AllowedHosts,
    /// How often the leader compares the configuration on the bus with the store. Zero: only at start and on request.
    pub republish: Duration,
}

/// The service before [`Service::run`].
pub struct Service {
    context: Arc<Context>,
    folder: Option<PathBuf>,
    republish: Duration,
    context_handle: ContextHandle,
}

/// Opens the store and builds the service.
///
/// # Errors
/// If the database is unavailable or unusable.
pub async fn build(config: Config, parts: Parts, context_handle: ContextHandle) -> Result<Service, Error> {
    let Parts { bus, clock, replica, health, .. } = parts;
    let options = Options { url: config.store, service: ROLE.name(), migrations: MIGRATIONS, clock: Arc::clone(&clock) };
    let store = Store::open(options).await?;
    let lease = Lease::new(store.clone(), LEASE, &replica, config.lease_ttl);
    let (published_revision, folded) = (watch::Sender::new(0), watch::Sender::new(0));
    let topics = health.condition("control-topics");
    // Ready until the leader finds a missing topic: a standby replica does not check the topics.
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
        numbers: watch::Sender::new(()),
        default_domains: parking_lot::Mutex::default(),
    });
    Ok(Service { context, folder: config.folder, republish: config.republish, context_handle })
}

impl Service {
    /// Runs until the shutdown. The service waits for the lease; the leader reconciles the bus with the store, then projects records into
    /// the read model, resolves names and applies the folder.
    ///
    /// # Errors
    /// If the store or the bus fails. The caller then builds the service again.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let result = shutdown.or(self.work()).await.unwrap_or(Ok(()));
        self.context_handle.clear();
        // A running call holds the context until it ends. Then the lease and the store are not closed here.
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
                _ = held.wait_for(|held| matches!(held, LeaseState::Lost)) => warn!("lease lost: this replica stands by"),
            }
            self.context.topics.set(true, "");
        }
    }

    /// The work of the leader. Returns only with an error.
    async fn lead(&self) -> Result<(), Error> {
        let context = self.context.as_ref();
        reconcile::reconcile(context).await?;
        resolve::resolve_pending(context).await?;
        info!("this replica of control leads");
        let folder = async {
            match &self.folder {
                Some(folder) => folder::run(context, folder).await,
                None => std::future::pending().await,
            }
        };
        tokio::try_join!(projector::run(context), folder, recover(context, self.republish), expire::run(context), count::run(context))
            .map(drop)
    }
}

/// Detects an unavailable database also while no call uses it.
async fn ping(context: &Context) -> Result<(), Error> {
    loop {
        tokio::time::sleep(RECOVERY_INTERVAL).await;
        context.store.ping().await?;
    }
}

/// Resolves and publishes pending resources within [`RECOVERY_INTERVAL`], and reconciles the bus with the store every `republish`.
async fn recover(context: &Context, republish: Duration) -> Result<(), Error> {
    let mut reconciled_at = Instant::now();
    let mut derived = None;
    loop {
        tokio::time::sleep(RECOVERY_INTERVAL).await;
        if !republish.is_zero() && reconciled_at.elapsed() >= republish {
            reconcile::reconcile(context).await?;
            reconciled_at = Instant::now();
        }
        derived = Some(resolve::resolve_since(context, derived).await?);
    }
}
