//! Builds control's context on files of a folder, for tests below the API.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use xtsync_bus::{Bus, Embedded, Record, Table};
use xtsync_connector_graph::GraphConnector;
use xtsync_contract::topic;
use xtsync_directory::{Connector, Connectors};
use xtsync_domain::resource::AllowedHosts;
use xtsync_runtime::clock::SystemClock;
use xtsync_runtime::health::Health;
use xtsync_store::{Lease, LeaseState, Options, Store};

use crate::context::{Context, LEASE, ROLE};
use crate::manifest::{self, File, Written};
use crate::metrics::Metrics;
use crate::tables::MIGRATIONS;

/// An organization with two tenants, and a synchronization.
pub(crate) const YAML: &str = include_str!("../../tests/support/organization.yaml");

/// Opens a context that holds the lease.
pub(crate) async fn context(dir: &Path) -> Context {
    context_on(dir, Embedded::open(&dir.join("bus.sqlite"), Arc::new(SystemClock)).await.unwrap()).await
}

/// As [`context`], on an open bus. A former holder has lost the lease afterwards.
pub(crate) async fn context_on(dir: &Path, bus: Bus) -> Context {
    let clock = Arc::new(SystemClock);
    let url = dir.to_str().unwrap().to_owned();
    let store = Store::open(Options { url, service: ROLE.name(), migrations: MIGRATIONS, clock: clock.clone() }).await.unwrap();
    let lease = Lease::new(store.clone(), LEASE, "test", Duration::from_secs(10));
    lease.watch().wait_for(|held| matches!(held, LeaseState::Held(_))).await.unwrap();
    let (published_revision, folded) = (watch::Sender::new(0), watch::Sender::new(0));
    let topics = Health::new().condition("control-topics");
    Context {
        store,
        bus,
        clock,
        lease,
        metrics: Metrics::new(),
        topics,
        connectors: Connectors::new([Arc::new(GraphConnector::default()) as Arc<dyn Connector>]),
        hosts: AllowedHosts::default(),
        revision_lock: Mutex::new(()),
        published_revision,
        folded,
        numbers: watch::Sender::new(()),
        default_domains: parking_lot::Mutex::default(),
    }
}

/// Releases the lease and closes the store, as an orderly shutdown does.
pub(crate) async fn close(context: Context) {
    context.lease.release().await;
    context.store.close().await;
}

pub(crate) fn written(yaml: &str) -> Vec<Written> {
    manifest::read(&[File { name: "x.yaml".into(), yaml: yaml.into() }]).unwrap()
}

/// Returns every record of the configuration that is still on the bus.
pub(crate) async fn published(bus: &Bus) -> Vec<Record> {
    let mut table = Table::open(bus, vec![topic::CONFIG.topic()]).await.unwrap();
    let mut records = Vec::new();
    while !table.caught_up() {
        records.extend(table.next().await.unwrap());
    }
    records
}
