//! Builds each role from the options of the process.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use xtsync_change_detector::Inbox;
use xtsync_control::ContextHandle;
use xtsync_domain::{TenantName, resource};
use xtsync_runtime::shutdown::Shutdown;
use xtsync_service::service::Parts;

use super::Options;
use super::dependencies::Dependencies;

/// Builds roles.
#[derive(Clone)]
pub(super) struct Starter {
    pub(super) options: Options,
    pub(super) context_handle: ContextHandle,
    pub(super) inbox: Inbox,
    pub(super) dependencies: Dependencies,
}

/// A built service: the future that runs it until the shutdown.
pub(super) struct BuiltService(Box<dyn FnOnce(Shutdown) -> Work + Send>);

type Work = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

impl BuiltService {
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

pub(super) async fn change_detector(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_change_detector::Config {
        store: starter.options.store(),
        poll: starter.options.poll,
        compare: starter.options.full_cycle,
        republish: starter.options.republish,
        forget: starter.options.forget,
        facts: starter.options.facts.min(starter.options.poll.max(Duration::from_secs(1))),
        lease: starter.options.lease_ttl,
    };
    let directories = starter.options.directories();
    let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.source(name, tenant));
    let service = xtsync_change_detector::build(config, parts, connect, &starter.inbox).await?;
    Ok(BuiltService::new(|shutdown| async {
        service.run(shutdown).await;
        Ok(())
    }))
}

pub(super) async fn provisioner(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_provisioner::Config {
        store: starter.options.store(),
        in_flight_max: starter.options.in_flight_max,
        call_timeout: starter.options.call_timeout,
        lease_ttl: starter.options.lease_ttl,
        poll: starter.options.queue_poll,
        republish: starter.options.republish,
        forget: starter.options.forget,
        drain_timeout: starter.options.drain_timeout,
    };
    let directories = starter.options.directories();
    let connect = Arc::new(move |name: &TenantName, tenant: &resource::Tenant| directories.target(name, tenant));
    let service = xtsync_provisioner::build(config, parts, connect).await?;
    Ok(BuiltService::new(|shutdown| async move {
        service.run(shutdown).await;
        Ok(())
    }))
}

pub(super) async fn control(starter: &Starter, parts: Parts) -> anyhow::Result<BuiltService> {
    let config = xtsync_control::Config {
        store: starter.options.store(),
        lease_ttl: starter.options.lease_ttl,
        folder: starter.options.config_dir.clone(),
        connectors: starter.options.directories().connectors,
        hosts: starter.options.hosts.clone(),
        republish: starter.options.republish,
    };
    let service = xtsync_control::build(config, parts, starter.context_handle.clone()).await?;
    Ok(BuiltService::new(|shutdown| async { Ok(service.run(shutdown).await?) }))
}

pub(super) async fn policy(parts: Parts) -> anyhow::Result<BuiltService> {
    let service = xtsync_policy::build(xtsync_policy::Config::default(), parts);
    Ok(BuiltService::new(|shutdown| async {
        service.run(shutdown).await;
        Ok(())
    }))
}
