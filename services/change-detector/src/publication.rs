//! From the mirror to the bus: users whose version is not their published version, the most urgent first.
//!
//! There is no outbox: the row is the record. A change that comes while a record is on its way makes a new version, which is
//! published next; a crash after the bus took a record publishes it once more.

use prost::Message;
use tracing::info_span;
use xtsync_domain::fact::TenantFact;
use xtsync_domain::link::Class;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_platform::bus::{Outgoing, Transport, Urgency};
use xtsync_platform::dead_letter;
use xtsync_platform::store::{Store, lease};
use xtsync_platform::trace;
use xtsync_proto::topic::Topic;
use xtsync_proto::v1;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::mirror::{self, Unpublished};
use crate::{ROLE, tenant::Fence};

/// Publishes some of what is due; gives how many records.
pub(crate) async fn users(
    store: &Store,
    bus: &dyn Transport,
    fence: &Fence,
    tenant: &TenantName,
    metrics: &Metrics,
    now: Timestamp,
) -> Result<usize, Error> {
    let due = mirror::unpublished(store, tenant).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let urgency = if due.iter().any(|record| record.class < Class::Bulk) { Urgency::Live } else { Urgency::Bulk };
    let records = due.iter().map(|record| user_record(tenant, record, now)).collect();
    dead_letter::publish(bus, ROLE, records, urgency, now).await?;
    let mut tx = store.begin().await?;
    lease::assert(&mut tx, &fence.lease, fence.epoch).await?;
    mirror::published(&mut tx, tenant, &due).await?;
    tx.commit().await?;
    metrics.published(tenant, due.len());
    Ok(due.len())
}

fn user_record(tenant: &TenantName, record: &Unpublished, now: Timestamp) -> Outgoing {
    // The root of the trace that ends at the call to the target.
    let span = info_span!("user_delta", %tenant, user = %record.id, version = record.version);
    let traceparent = span.in_scope(trace::traceparent);
    Outgoing::event::<v1::UserDelta>(
        ROLE,
        Topic::UserDeltas(tenant.clone()),
        record.id.as_str(),
        record.version,
        now,
        traceparent.as_deref(),
        record.value.clone(),
    )
}

/// Publishes facts about a tenant.
pub(crate) async fn facts(bus: &dyn Transport, tenant: &TenantName, facts: &[TenantFact], now: Timestamp) -> Result<(), Error> {
    let record = |fact: &TenantFact| {
        let value = v1::TenantFact::from(fact).encode_to_vec();
        Outgoing::event::<v1::TenantFact>(ROLE, Topic::TenantFacts(tenant.clone()), &fact.fact.key(), fact.version, now, None, value)
    };
    bus.publish(facts.iter().map(record).collect(), Urgency::Live).await?;
    Ok(())
}
