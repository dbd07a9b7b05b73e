//! How each role is built from what the process was told.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use xtsync_change_detector::Inbox;
use xtsync_control::Desk;
use xtsync_domain::{TenantName, resource};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;
use xtsync_store::scrub::FORGOTTEN_AFTER;

use super::supply::Supply;
use super::{Options, Role};

/// How often a tenant's consent is read at least: it counts as unknown after 60 s.
const FACTS: Duration = Duration::from_secs(20);

/// Builds roles.
#[derive(Clone)]
pub(super) struct Starter {
    pub(super) options: Options,
    pub(super) desk: Desk,
    pub(super) inbox: Inbox,
    pub(super) supply: Supply,
}

/// A service that was built: what runs it until the shutdown.
pub(super) struct Built(Box<dyn FnOnce(Shutdown) -> Work + Send>);

type Work = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

impl Built {
    fn new<F, W>(run: F) -> Self
    where
        F: FnOnce(Shutdown) -> W + Send + 'static,
        W: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self(Box::new(|shutdown| Box::pin(run(shutdown))))
    }

    /// Runs it until the shutdown.
    pub(super) fn run(self, shutdown: Shutdown) -> Work {
        (self.0)(shutdown)
    }
}

impl Starter {
    /// Builds a role, as soon as the bus is connected.
    pub(super) async fn build(&self, role: Role) -> anyhow::Result<Built> {
        let parts = self.supply.parts().await?;
        match role {
            Role::ChangeDetector => self.change_detector(parts).await,
            Role::Policy => Ok(policy(parts)),
            Role::Provisioner => self.provisioner(parts).await,
            Role::Control => self.control(parts).await,
        }
    }

    async fn change_detector(&self, parts: Parts) -> anyhow::Result<Built> {
        let config = xtsync_change_detector::Config {
            store: self.options.store(),
            poll: self.options.poll,
            compare: self.options.compare,
            republish: self.options.republish,
            forget: FORGOTTEN_AFTER,
            facts: FACTS.min(self.options.poll.max(Duration::from_secs(1))),
            lease: self.options.lease_ttl,
        };
        let directories = self.options.directories();
        let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.source(name, tenant));
        let service = xtsync_change_detector::build(config, parts, connect, &self.inbox).await?;
        Ok(Built::new(|shutdown| async {
            service.run(shutdown).await;
            Ok(())
        }))
    }

    async fn provisioner(&self, parts: Parts) -> anyhow::Result<Built> {
        let config = xtsync_provisioner::Config {
            lease_ttl: self.options.lease_ttl,
            republish: self.options.republish,
            ..xtsync_provisioner::Config::new(self.options.store())
        };
        let directories = self.options.directories();
        let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.target(name, tenant));
        let service = xtsync_provisioner::build(config, parts, connect).await?;
        Ok(Built::new(|shutdown| async move {
            service.run(shutdown).await;
            Ok(())
        }))
    }

    async fn control(&self, parts: Parts) -> anyhow::Result<Built> {
        let config = xtsync_control::Config {
            store: self.options.store(),
            lease_ttl: self.options.lease_ttl,
            folder: self.options.config_dir.clone(),
            hosts: self.options.hosts.clone(),
            republish: self.options.republish,
        };
        let service = xtsync_control::build(config, parts, self.desk.clone()).await?;
        Ok(Built::new(|shutdown| async { Ok(service.run(shutdown).await?) }))
    }
}

fn policy(parts: Parts) -> Built {
    let service = xtsync_policy::build(xtsync_policy::Config::default(), parts);
    Built::new(|shutdown| async {
        service.run(shutdown).await;
        Ok(())
    })
}
