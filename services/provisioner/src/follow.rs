//! Follows what the gate depends on: facts of targets and their sources, and the configuration. Where a pair of tenants opens, what
//! waited behind the gate is due again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::info;
use xtsync_bus::{self as bus, Bus};
use xtsync_domain::gate::{Verdict, gate_of_pair};
use xtsync_domain::{Configuration, TenantFact, TenantName};
use xtsync_service::facts::FactsReader;

use crate::context::Context;
use crate::error::Result;
use crate::facts::FactChange;
use crate::table::target;
use crate::table::waiting::{self, Waiting, Waits};

/// Every target that some synchronization names.
pub(crate) fn targets(configuration: &Configuration) -> BTreeSet<TenantName> {
    let targets = configuration.synchronizations().map(|synchronization| &synchronization.spec.to);
    targets.filter(|target| configuration.tenant(target).is_some()).cloned().collect()
}

/// Reads whether a target is observe-only. Returns whether links are due again, since it was resumed.
pub(crate) async fn refresh_observe_only(context: &Context, target: &TenantName) -> Result<bool> {
    let state = target::read(&context.store, target).await?;
    if !context.observe_only.note(target, state.is_some_and(|state| state.is_observe_only)) {
        return Ok(false);
    }
    info!(%target, "writes to the target are resumed");
    Ok(!wake(context, Waits::Gate, |_, opened| opened == target).await?.is_empty())
}

/// Follows facts and configuration.
pub(crate) struct Follower {
    reader: FactsReader,
    revision: u64,
}

impl Follower {
    /// Follows nothing yet.
    pub(crate) fn new(bus: &Bus) -> Self {
        Self { reader: FactsReader::new(bus), revision: 0 }
    }

    /// The error that a tenant's facts topic does not exist yet.
    pub(crate) fn missing(&self) -> Option<bus::Error> {
        self.reader.missing()
    }

    /// Follows a newer configuration, if there is one; returns the targets with links that are due again.
    pub(crate) async fn reconfigure(&mut self, context: &Context) -> Result<BTreeSet<TenantName>> {
        let configuration = context.configuration();
        self.reader.follow(&configuration).await?;
        if configuration.revision() == self.revision {
            return Ok(BTreeSet::new());
        }
        let mut woken = wake(context, Waits::Held, |_, _| true).await?;
        // What the target refused may pass as it is configured now.
        let is_new = |source: &TenantName, target: &TenantName| configuration.changed_since(source, target, self.revision);
        woken.extend(wake(context, Waits::HeldOrRefused, is_new).await?);
        self.revision = configuration.revision();
        Ok(woken)
    }

    /// Waits for the next facts. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Vec<(TenantName, TenantFact)>> {
        Ok(self.reader.next().await?)
    }

    /// Takes facts in; returns the targets with links that are due again. The gate stays closed until all that was there has been read.
    pub(crate) async fn take(&mut self, context: &Context, facts: Vec<(TenantName, TenantFact)>) -> Result<BTreeSet<TenantName>> {
        let mut changes = FactChanges::default();
        for (tenant, fact) in facts {
            let change = context.facts.take(&tenant, fact);
            changes.add(tenant, change);
        }
        let is_first = self.reader.caught_up() && context.facts.complete();
        let all = is_first || changes.directory;
        let concerns =
            |source: &TenantName, target: &TenantName| all || changes.refreshed.contains(source) || changes.refreshed.contains(target);
        let mut woken = wake(context, Waits::Gate, concerns).await?;
        if !changes.changed.is_empty() {
            // A target that refused under the former policy may not refuse under this one.
            let changed = |source: &TenantName, target: &TenantName| changes.changed.contains(source) || changes.changed.contains(target);
            woken.extend(wake(context, Waits::HeldOrRefused, changed).await?);
        }
        Ok(woken)
    }
}

/// Tenants of which facts came.
#[derive(Default)]
struct FactChanges {
    /// All of them.
    refreshed: BTreeSet<TenantName>,
    /// Those whose access policy is another than before.
    changed: BTreeSet<TenantName>,
    /// Whether one of them is another directory than before.
    directory: bool,
}

impl FactChanges {
    fn add(&mut self, tenant: TenantName, change: FactChange) {
        match change {
            FactChange::Ignored => return,
            FactChange::Refreshed => {}
            FactChange::PolicyChanged => drop(self.changed.insert(tenant.clone())),
            FactChange::DirectoryChanged => self.directory = true,
        }
        self.refreshed.insert(tenant);
    }
}

/// Makes links that wait so due again between the pairs for which the gate is open now; returns their targets.
pub(crate) async fn wake(
    context: &Context,
    waits: Waits,
    concerns: impl Fn(&TenantName, &TenantName) -> bool,
) -> Result<BTreeSet<TenantName>> {
    let configuration: Arc<Configuration> = context.configuration();
    let now = context.now();
    let mut woken = BTreeSet::new();
    // Most facts are as they were, and few pairs wait: one query finds that out for all of them.
    for (source, target) in &waiting::pairs(&context.store).await? {
        if configuration.synchronization(source, target).is_none()
            || !concerns(source, target)
            || gate_of_pair(&context.pair(source, target).terms(), now) != Verdict::Open
        {
            continue;
        }
        let links = Waiting { source: Some(source), ..Waiting::all(target, waits) }.wake(&context.store, now).await?;
        if links > 0 {
            info!(%source, %target, links, "what waited is due again");
            woken.insert(target.clone());
        }
    }
    Ok(woken)
}
