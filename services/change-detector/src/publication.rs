//! From the mirror to the bus: users whose version is not their published version, the most urgent first.
//!
//! There is no outbox: the row is the record. A change that comes while a record is on its way makes a new version, which is
//! published next; a crash after the bus took a record publishes it once more. Whoever finds the lease gone after he published has the
//! owner publish those rows again, or an older record could be the last of its key for ever.

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
use xtsync_service::dead_letter;
use xtsync_store::{self as store, Store, Transaction, lease};

use crate::error::Error;
use crate::mirror::{self, PORTION, Unpublished};
use crate::{ROLE, tenant::Fence};

/// What publishing for a tenant takes.
#[derive(Clone)]
pub(crate) struct Press {
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) fence: Fence,
    pub(crate) tenant: TenantName,
}

/// How much of what is due has been published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// There is nothing more.
    All,
    /// There may be more.
    Some,
    /// None: there is no room for it yet.
    Waits,
}

impl Press {
    /// Publishes some of what is due; says how many records. Leavers go alone and at once. What else is urgent goes before what is bulk; like
    /// that it waits for room on its way where there is very much of it, so that the next leaver does not stand behind it there. What
    /// has begun is seen through, also where this is dropped because the lease is lost: only then is it known whether it came too late.
    /// `has_room` says that there was room just now.
    pub(crate) async fn users(&self, way: &[Topic], has_room: bool, now: Timestamp) -> Result<(Published, usize), Error> {
        let mut due = self.due().await?;
        let leavers = due.partition_point(|record| record.class <= Class::Leaver);
        let urgent = due.partition_point(|record| record.class < Class::Bulk);
        let is_much = leavers == 0 && (urgent == 0 || urgent >= PORTION);
        if due.is_empty() {
            return Ok((Published::All, 0));
        } else if is_much && !has_room && !self.bus.has_room(way).await {
            return Ok((Published::Waits, 0));
        }
        match (leavers, urgent) {
            (0, 0) => {}
            (0, urgent) => due.truncate(urgent),
            (leavers, _) => due.truncate(leavers),
        }
        let count = due.len();
        self.see_through(due, now).await.map(|()| (Published::Some, count))
    }

    /// Publishes again what is published already, if it is ours to publish.
    pub(crate) async fn again(&self, users: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        self.is_ours().await?;
        self.see_through(users, now).await
    }

    async fn see_through(&self, users: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        let press = self.clone();
        let sending = tokio::spawn(async move { press.send(users, now).await });
        match sending.await.map_err(JoinError::try_into_panic) {
            Ok(sent) => sent,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(Err(_)) => Ok(()),
        }
    }

    /// What is due, if it is ours to publish.
    pub(crate) async fn due(&self) -> Result<Vec<Unpublished>, Error> {
        let due = mirror::unpublished(&self.store, &self.tenant).await?;
        if !due.is_empty() {
            self.is_ours().await?;
        }
        Ok(due)
    }

    /// Publishes, and notes it.
    pub(crate) async fn send(&self, due: Vec<Unpublished>, now: Timestamp) -> Result<(), Error> {
        let urgency = if due.iter().any(|record| record.class < Class::Bulk) { Urgency::Live } else { Urgency::Bulk };
        let records = due.iter().map(|record| user_record(&self.tenant, record, now)).collect();
        let sent = dead_letter::publish(&*self.bus, ROLE, records, urgency, now).await;
        let noted = self.note(&due, sent.is_ok()).await;
        // Somebody else has perhaps published newer records before these.
        if noted.is_err() && matches!(self.is_ours().await, Err(Error::Store(store::Error::Fenced(_)))) {
            let mut tx = self.store.begin().await?;
            mirror::published_late(&mut tx, &self.tenant, &due).await?;
            tx.commit().await?;
        }
        noted?;
        Ok(sent?)
    }

    /// Notes what the bus took, as the owner.
    async fn note(&self, due: &[Unpublished], sent: bool) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        if sent {
            mirror::published(&mut tx, &self.tenant, due);
        }
        Ok(tx.commit().await?)
    }

    /// Publishes facts about a tenant, if they are ours to publish.
    pub(crate) async fn facts(&self, facts: &[TenantFact], now: Timestamp) -> Result<(), Error> {
        if facts.is_empty() {
            return Ok(());
        }
        self.is_ours().await?;
        let record = |fact: &TenantFact| {
            let value = events::TenantFact::from(fact).encode_to_vec();
            let topic = topic::TENANT_FACTS.of(&self.tenant);
            event::record::<events::TenantFact>(ROLE, topic, &fact.fact.key(), fact.version, now, None, value)
        };
        self.bus.publish(facts.iter().map(record).collect(), Urgency::Live).await?;
        Ok(())
    }

    /// Ends the keys of facts that nobody asks for any more.
    pub(crate) async fn end_facts(&self, keys: &[String]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        self.is_ours().await?;
        let ended = keys.iter().map(|key| Outgoing::tombstone(topic::TENANT_FACTS.of(&self.tenant), key));
        self.bus.publish(ended.collect(), Urgency::Live).await?;
        Ok(())
    }

    /// Fails when the tenant is not ours any more.
    async fn is_ours(&self) -> Result<(), Error> {
        Ok(lease::check(&self.store, &self.fence.lease, self.fence.epoch).await?)
    }

    /// Begins a transaction that commits only while the tenant is ours.
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        let mut tx = self.store.begin().await?;
        lease::assert_with_commit(&mut tx, &self.fence.lease, self.fence.epoch);
        Ok(tx)
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
