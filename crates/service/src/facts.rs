//! Reads the facts of the tenants that synchronizations name, as a table from the start: every replica has them after a restart.

use tracing::warn;
use xtsync_bus::{self as bus, Bus, Record, Table, TopicTracker, WantedTopics};
use xtsync_contract::{event, events, topic};
use xtsync_domain::{Configuration, TenantFact, TenantName};
use xtsync_runtime::telemetry::chain;

/// A reader of tenant facts.
pub struct FactsReader {
    bus: Bus,
    tracker: TopicTracker,
    table: Option<Table>,
    /// The revision that is followed, once all its topics are read.
    followed: Option<u64>,
}

impl FactsReader {
    /// A reader of no tenant yet.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self { bus: Bus::clone(bus), tracker: TopicTracker::new(bus), table: None, followed: None }
    }

    /// Reads the tenants of a configuration, and continues with those that it reads already. Frequent calls are cheap.
    ///
    /// # Errors
    /// If the bus is unavailable; then nothing has changed.
    pub async fn follow(&mut self, configuration: &Configuration) -> Result<(), bus::Error> {
        if self.followed == Some(configuration.revision()) {
            return Ok(());
        }
        let tenants = configuration.synchronizations().flat_map(|synchronization| [&synchronization.source, &synchronization.spec.to]);
        let wanted: WantedTopics = tenants.map(|tenant| (topic::TENANT_FACTS.of(tenant), Vec::new())).collect();
        if self.tracker.set_topics(&wanted).await? || self.table.is_none() {
            let topics = self.tracker.topics().to_vec();
            match &mut self.table {
                Some(table) => table.resubscribe(topics).await?,
                None => self.table = Some(Table::open(&self.bus, topics).await?),
            }
        }
        self.followed = self.tracker.missing().is_none().then(|| configuration.revision());
        Ok(())
    }

    /// The error that a tenant's topic does not exist yet, if one is missing.
    #[must_use]
    pub fn missing(&self) -> Option<bus::Error> {
        self.tracker.missing()
    }

    /// Whether all facts that existed when their topics were opened have been returned.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.table.as_ref().is_some_and(Table::caught_up)
    }

    /// Waits for the next facts, each with its tenant; none once if the table catches up without one. An unreadable fact is logged and left
    /// out, so the former one stays in force. Cancelling it loses nothing.
    ///
    /// # Errors
    /// If the bus refuses the client permanently; while it is unavailable, this waits.
    pub async fn next(&mut self) -> Result<Vec<(TenantName, TenantFact)>, bus::Error> {
        let Some(table) = &mut self.table else { return std::future::pending().await };
        Ok(table.next().await?.iter().filter_map(read).collect())
    }
}

fn read(record: &Record) -> Option<(TenantName, TenantFact)> {
    let tenant = topic::tenant(&topic::TENANT_FACTS, &record.at.partition.topic)?;
    let fact = event::decode::<events::TenantFact>(&record.headers, record.value.as_ref()?).map_err(|error| chain(&error));
    match fact.and_then(|wire| TenantFact::try_from(wire).map_err(|error| error.to_string())) {
        Ok(fact) => Some((tenant, fact)),
        Err(error) => {
            warn!(%tenant, offset = record.at.offset, error, "a fact cannot be read");
            None
        }
    }
}
