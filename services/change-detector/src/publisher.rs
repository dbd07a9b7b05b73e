//! From the mirror to the bus: users whose version is not their published version, the most urgent first.
//!
//! There is no outbox: the row is the record. A change that comes while a record is on its way makes a new version, which is
//! published next; a crash after the bus took a record publishes it once more. A replica that finds its lease gone after publishing has the
//! owner publish those rows again, or an older record could be the last of its key for ever.

use std::sync::Arc;

use prost::Message;
use tokio::task::JoinError;
use tracing::info_span;
use xtsync_bus::{Bus, Outgoing, Topic, Urgency};
use xtsync_contract::event;
use xtsync_contract::events;
use xtsync_contract::topic;
use xtsync_domain::fact::TenantFact;
use xtsync_domain::link::Class;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_runtime::trace;
use xtsync_service::publish;
use xtsync_store::Fence;

use crate::ROLE;
use crate::error::Error;
use crate::mirror::{self, PUBLISH_BATCH_MAX, Unpublished};
use crate::repeated_facts::RepeatedFacts;
use crate::urgency::{self, Pass};

/// Publishes the records of a tenant.
#[derive(Clone)]
pub(crate) struct Publisher {
    pub(crate) bus: Bus,
    pub(crate) fence: Fence,
    pub(crate) tenant: TenantName,
    pub(crate) repeated: Arc<RepeatedFacts>,
}

/// How much of what is due has been published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// There is nothing more.
    All,
    /// There may be more.
    Some,
    /// None: there is no room for it yet.
    NoCapacity,
}

impl Publisher {
    /// Publishes some of what is due; returns how many records. Leavers go alone and at once. What else is urgent goes before what is bulk; like
    /// that it waits for room on its way where there is very much of it, so that the next leaver does not stand behind it there. What
    /// has begun is seen through, also where this is dropped because the lease is lost: only then is it known whether it came too late.
    /// `has_capacity` says that there was room just now.
    pub(crate) async fn users(&self, downstream: &[Topic], has_capacity: bool, now: Timestamp) -> Result<(Published, usize), Error> {
        let mut due = self.due().await?;
        if due.is_empty() {
            return Ok((Published::All, 0));
        }
        let classes: Vec<Class> = due.iter().map(|record| record.class).collect();
        let Pass { count, needs_capacity } = urgency::pass(&classes, PUBLISH_BATCH_MAX);
        if needs_capacity && !has_capacity && self.bus.capacity(downstream).await == 0 {
            return Ok((Published::NoCapacity, 0));
        }
        due.truncate(count);
        self.send_to_completion(due, now).await.map(|()| (Published::Some, count))
    }

    /// Publishes again what is published already, if it is ours to publish.
    pub(crate) async fn republish(&self, users: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        self.fence.check().await?;
        self.send_to_completion(users, now).await
    }

    async fn send_to_completion(&self, users: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        let publisher = self.clone();
        let sending = tokio::spawn(async move { publisher.send(users, now).await });
        match sending.await.map_err(JoinError::try_into_panic) {
            Ok(sent) => sent,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(Err(_)) => Ok(()),
        }
    }

    /// What is due, if it is ours to publish.
    pub(crate) async fn due(&self) -> Result<Vec<Unpublished>, Error> {
        let due = mirror::unpublished(self.fence.store(), &self.tenant).await?;
        if !due.is_empty() {
            self.fence.check().await?;
        }
        Ok(due)
    }

    /// Publishes, and notes it.
    pub(crate) async fn send(&self, due: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        let urgency = urgency::of(due.iter().map(|record| record.class));
        let records = due.iter().map(|record| user_record(&self.tenant, record, now)).collect();
        let sent = publish::records(&*self.bus, ROLE, records, urgency, now).await;
        let taken = sent.as_ref().map_or(&[][..], |()| &due);
        let mark = |mut tx| async move {
            mirror::mark_published(&mut tx, &self.tenant, taken);
            tx.commit().await
        };
        let mark_late = |mut tx| async {
            mirror::mark_published_late(&mut tx, &self.tenant, &due).await?;
            tx.commit().await
        };
        publish::mark(&self.fence, mark, mark_late).await?;
        Ok(sent?)
    }

    /// Publishes facts about a tenant, if they are ours to publish.
    pub(crate) async fn facts(&self, facts: &[TenantFact], now: Timestamp) -> Result<(), Error> {
        if facts.is_empty() {
            return Ok(());
        }
        self.fence.check().await?;
        let records = facts.iter().map(|fact| self.fact_record(fact, now)).collect();
        let _paused = self.repeated.supersede(&self.tenant, facts.iter().map(|fact| fact.fact.key())).await;
        self.bus.publish(records, Urgency::Live).await?;
        Ok(())
    }

    /// Publishes facts that say again what is known, with those of other tenants.
    pub(crate) async fn repeat(&self, facts: &[TenantFact], now: Timestamp) {
        if !facts.is_empty() {
            self.repeated.add(&self.tenant, &self.fence, facts.iter().map(|fact| (fact.fact.key(), self.fact_record(fact, now)))).await;
        }
    }

    fn fact_record(&self, fact: &TenantFact, now: Timestamp) -> Outgoing {
        let (topic, value) = (topic::TENANT_FACTS.of(&self.tenant), events::TenantFact::from(fact).encode_to_vec());
        event::record::<events::TenantFact>(ROLE, topic, &fact.fact.key(), fact.version, now, None, value)
    }

    /// Ends the keys of facts that are no longer requested.
    pub(crate) async fn tombstone_facts(&self, keys: &[String]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        self.fence.check().await?;
        let ended = keys.iter().map(|key| Outgoing::tombstone(topic::TENANT_FACTS.of(&self.tenant), key));
        self.bus.publish(ended.collect(), Urgency::Live).await?;
        Ok(())
    }
}

fn user_record(tenant: &TenantName, record: &Unpublished, now: Timestamp) -> Outgoing {
    let Some(value) = &record.value else { return Outgoing::tombstone(topic::USER_DELTAS.of(tenant), record.id.as_str()) };
    // The root of the trace that ends at the call to the target.
    let span = info_span!("user_delta", %tenant, user = %record.id, version = record.version);
    let traceparent = span.in_scope(trace::traceparent);
    event::record::<events::UserDelta>(
        ROLE,
        topic::USER_DELTAS.of(tenant),
        record.id.as_str(),
        record.version,
        now,
        traceparent.as_deref(),
        value.clone(),
    )
}
