//! Follows what the gate depends on: facts of targets and their sources, and the configuration. Where a pair of tenants opens, what
//! waited behind the gate is due again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{info, warn};
use xtsync_domain::gate::{Verdict, gate_of_pair};
use xtsync_domain::{Configuration, TenantFact, TenantName};
use xtsync_platform::bus::{self, Bus, Following, Record, Table, Wanted};
use xtsync_platform::telemetry::chain;
use xtsync_proto::event;
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use crate::context::Context;
use crate::error::Result;
use crate::table::work;

/// Every target that some synchronization names and that can be written.
pub(crate) fn targets(configuration: &Configuration) -> BTreeSet<TenantName> {
    let targets = configuration.synchronizations().map(|synchronization| &synchronization.spec.to);
    targets.filter(|target| configuration.tenant(target).is_some_and(|tenant| tenant.graph.writer.is_some())).cloned().collect()
}

/// The facts' topics of every tenant in some synchronization.
fn fact_topics(configuration: &Configuration) -> Wanted {
    let tenants = configuration.synchronizations().flat_map(|synchronization| [&synchronization.source, &synchronization.spec.to]);
    tenants.map(|tenant| (Topic::TenantFacts(tenant.clone()), Vec::new())).collect()
}

/// Follows facts and configuration.
pub(crate) struct Follower {
    following: Following,
    table: Table,
    revision: u64,
}

impl Follower {
    /// Follows nothing yet.
    pub(crate) async fn open(bus: &Bus) -> Result<Self> {
        Ok(Self { following: Following::new(bus), table: Table::open(bus, Vec::new()).await?, revision: 0 })
    }

    /// That a tenant's facts have nowhere to stand yet.
    pub(crate) fn missing(&self) -> Option<bus::Error> {
        self.following.missing()
    }

    /// Follows a newer configuration, if there is one; gives the targets that links are due again for.
    pub(crate) async fn reconfigure(&mut self, context: &Context) -> Result<BTreeSet<TenantName>> {
        let configuration = context.configuration();
        if self.following.turn(&fact_topics(&configuration)).await? {
            self.table.resubscribe(self.following.topics().to_vec()).await?;
        }
        if configuration.revision() == self.revision {
            return Ok(BTreeSet::new());
        }
        let woken = wake(context, true, |_, _| true).await?;
        self.revision = configuration.revision();
        Ok(woken)
    }

    /// Waits for the next facts. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>> {
        Ok(self.table.next().await?)
    }

    /// Takes facts in; gives the targets that links are due again for. The gate stays closed until all that was there has been read.
    pub(crate) async fn take(&mut self, context: &Context, records: &[Record]) -> Result<BTreeSet<TenantName>> {
        let touched: BTreeSet<TenantName> = records.iter().filter_map(|record| take(context, record)).collect();
        let is_first = self.table.caught_up() && context.facts.complete();
        wake(context, false, |source, target| is_first || touched.contains(source) || touched.contains(target)).await
    }
}

/// Makes due again what waits behind the gate of those pairs for which it is open now, if so what waits for a window too; gives their
/// targets.
pub(crate) async fn wake(
    context: &Context,
    limited: bool,
    concerns: impl Fn(&TenantName, &TenantName) -> bool,
) -> Result<BTreeSet<TenantName>> {
    let configuration: Arc<Configuration> = context.configuration();
    let now = context.now();
    let mut woken = BTreeSet::new();
    for synchronization in configuration.synchronizations() {
        let (source, target) = (&synchronization.source, &synchronization.spec.to);
        if !concerns(source, target) || gate_of_pair(&context.pair(source, target).terms(), now) != Verdict::Open {
            continue;
        }
        let mut tx = context.store.begin().await?;
        let links = work::wake(&mut tx, source, target, limited, now).await?;
        tx.commit().await?;
        if links > 0 {
            info!(%source, %target, links, "the gate is open again");
            woken.insert(target.clone());
        }
    }
    Ok(woken)
}

/// Takes one fact in; gives its tenant where the gate may depend on it. A fact that cannot be read leaves the former one to grow old.
fn take(context: &Context, record: &Record) -> Option<TenantName> {
    let Topic::TenantFacts(tenant) = &record.at.partition.topic else { return None };
    let wire = match event::decode::<v1::TenantFact>(&record.headers, record.value.as_ref()?) {
        Ok(wire) => wire,
        Err(error) => {
            warn!(%tenant, offset = record.at.offset, error = chain(&error), "a fact cannot be read");
            return None;
        }
    };
    match TenantFact::try_from(wire) {
        Ok(fact) => context.facts.take(tenant, fact).then(|| tenant.clone()),
        Err(error) => {
            warn!(%tenant, offset = record.at.offset, %error, "a fact cannot be read");
            None
        }
    }
}
