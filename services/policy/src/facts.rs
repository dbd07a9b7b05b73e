//! The tenant facts that decisions are made of: which domains each tenant has verified.
//!
//! Read as a table from the start, so that every replica has them after a restart.

use std::collections::BTreeMap;

use tracing::warn;
use xtsync_bus::{self as bus, Bus, Record, Table, TopicTracker, WantedTopics};
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_domain::address::{Home, VerifiedDomains};
use xtsync_domain::fact::Fact;
use xtsync_domain::{Configuration, TenantFact, TenantName};
use xtsync_runtime::telemetry::chain;

/// The facts of all tenants in some synchronization.
pub(crate) struct Facts {
    bus: Bus,
    following: TopicTracker,
    table: Option<Table>,
    domains: VerifiedDomains,
}

impl Facts {
    /// Follows nothing yet.
    pub(crate) fn new(bus: &Bus) -> Self {
        Self { bus: Bus::clone(bus), following: TopicTracker::new(bus), table: None, domains: VerifiedDomains::default() }
    }

    /// Follows the tenants of a configuration.
    pub(crate) async fn follow(&mut self, configuration: &Configuration) -> Result<(), bus::Error> {
        let tenants = configuration.synchronizations().flat_map(|synchronization| [&synchronization.source, &synchronization.spec.to]);
        let wanted: WantedTopics = tenants.map(|tenant| (topic::TENANT_FACTS.of(tenant), Vec::new())).collect();
        if self.following.set_topics(&wanted).await? || self.table.is_none() {
            let topics = self.following.topics().to_vec();
            match &mut self.table {
                Some(table) => table.resubscribe(topics).await?,
                None => self.table = Some(Table::open(&self.bus, topics).await?),
            }
        }
        Ok(())
    }

    /// Whether all records that existed when following began have been read.
    pub(crate) fn are_caught_up(&self) -> bool {
        self.table.as_ref().is_some_and(Table::caught_up)
    }

    /// Waits for the next records. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>, bus::Error> {
        match &mut self.table {
            Some(table) => table.next().await,
            None => std::future::pending().await,
        }
    }

    /// Applies records. An unreadable one leaves the former fact in force.
    pub(crate) fn take(&mut self, records: &[Record]) {
        for record in records {
            let Some(tenant) = topic::tenant(&topic::TENANT_FACTS, &record.at.partition.topic) else { continue };
            let Some(value) = &record.value else { continue };
            let fact = event::decode::<events::TenantFact>(&record.headers, value).map_err(|error| chain(&error));
            match fact.and_then(|wire| TenantFact::try_from(wire).map_err(|error| error.to_string())) {
                Ok(TenantFact { version, fact: Fact::Identity(identity), .. }) => self.domains.take(&tenant, &identity, version),
                Ok(_) => {}
                Err(error) => warn!(%tenant, offset = record.at.offset, error, "a fact cannot be read"),
            }
        }
    }

    /// What is known of each source as a home.
    pub(crate) fn homes(&self, configuration: &Configuration) -> BTreeMap<TenantName, Home> {
        configuration.sources().into_iter().map(|source| (source.clone(), self.domains.home(source, configuration))).collect()
    }
}
