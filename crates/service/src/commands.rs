//! Takes commands in: any replica of a role, each command once, since what becomes of it is stored with its offset.
//!
//! What a command asks for is noted in the store; whoever holds the tenant's lease looks there. A command is no state: one that cannot be
//! read, or came too late, is passed over, and what a newer version asks for is for those who understand it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use xtsync_contract::convert::time;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::topic;
use xtsync_domain::{TenantName, Timestamp};

use crate::consumer::{Consumer, Error, positions};
use crate::service::Parts;
use xtsync_bus::{Bus, Record};
use xtsync_runtime::clock::Clock;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_store::{self as store, Store, Transaction, lock_offsets, store_offsets};

/// How long to wait before the bus or the store is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A user is named by no more bytes than this.
pub const USER_BYTES_MAX: usize = 1024;

/// What somebody asks of a tenant's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its id.
    pub id: String,
    /// Who gave it.
    pub actor: String,
    /// The tenant it concerns.
    pub tenant: TenantName,
    /// The user it means, as `source/user` or by the id alone; empty where it means the tenant.
    pub user: String,
    /// What is asked for.
    pub action: Action,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Tell again what the store holds of it.
    Republish,
    /// Write it again, though its links were taken from their topic.
    Resume,
    /// Read it from the beginning.
    Resync,
    /// Try again now what waits for a time or for a target's word.
    Retry,
}

/// Carries commands out in a role's store.
#[async_trait]
pub trait CommandHandler: Send + Sync {
    /// Notes in the store what a command asks for.
    async fn record(&self, tx: &mut Transaction, command: &Command) -> Result<(), store::Error>;

    /// Wakes whoever does it; the note is committed.
    fn wake(&self, tenant: &TenantName);
}

/// The intake of commands of one replica.
pub struct CommandConsumer {
    store: Store,
    bus: Bus,
    clock: Arc<dyn Clock>,
    group: &'static str,
    /// Taken out while something is done that must not be half done.
    consumer: Option<Consumer>,
}

impl CommandConsumer {
    /// One that takes nothing in yet. `group` is that of the role's replicas.
    #[must_use]
    pub fn new(store: &Store, parts: &Parts, group: &'static str) -> Self {
        Self { store: store.clone(), bus: Bus::clone(&parts.bus), clock: Arc::clone(&parts.clock), group, consumer: None }
    }

    /// Takes commands in until the shutdown.
    pub async fn run(mut self, handler: &dyn CommandHandler, shutdown: Shutdown) {
        while let Some(step) = shutdown.or(self.step(handler, RETRY_INTERVAL)).await {
            if let Err(error) = step {
                warn!(error = chain(&error), "taking commands in waits");
                shutdown.or(sleep(RETRY_INTERVAL)).await;
            }
        }
    }

    /// Takes in what the bus says next, waiting up to `wait` for it.
    ///
    /// # Errors
    /// When the store or the bus fails; the next step begins anew where the store's effect ends.
    pub async fn step(&mut self, handler: &dyn CommandHandler, wait: Duration) -> Result<(), Error> {
        let consumer = self.consumer.take();
        let mut consumer = consumer.unwrap_or_else(|| Consumer::new(&self.store, &self.bus, self.group));
        consumer.set_topics(&[(topic::COMMANDS.topic(), Vec::new())].into()).await?;
        if let Ok(event) = timeout(wait, consumer.next()).await
            && let Some(event) = event?
        {
            let records = consumer.handle(event).await?;
            if !records.is_empty() {
                self.take(handler, &records).await?;
                consumer.commit(positions(&records)).await;
            }
        }
        self.consumer = Some(consumer);
        Ok(())
    }

    async fn take(&mut self, handler: &dyn CommandHandler, records: &[Record]) -> Result<(), Error> {
        let next = positions(records);
        let mut tx = self.store.begin().await?;
        // Whoever was slow may come after another replica: what that took is not taken again.
        let stored = lock_offsets(&mut tx, next.keys().cloned().collect()).await?;
        let is_new = |record: &&Record| stored.get(&record.at.partition).is_none_or(|next| record.at.offset >= *next);
        let now = self.clock.now();
        let commands: Vec<Command> = records.iter().filter(is_new).filter_map(|record| read(record, now)).collect();
        for command in &commands {
            let Command { id, actor, tenant, action, user: _ } = command;
            info!(id, actor, %tenant, ?action, "a command is taken in");
            handler.record(&mut tx, command).await?;
        }
        store_offsets(&mut tx, &next);
        tx.commit().await?;
        commands.iter().for_each(|command| handler.wake(&command.tenant));
        Ok(())
    }
}

/// The command of a record, if it is one of ours and in time.
fn read(record: &Record, now: Timestamp) -> Option<Command> {
    let skip = |reason: &str| warn!(partition = %record.at.partition, offset = record.at.offset, reason, "a command is passed over");
    let wire = match event::decode::<internal::Command>(&record.headers, record.value.as_ref()?) {
        Ok(wire) => wire,
        Err(error) => {
            skip(error.code());
            return None;
        }
    };
    if time("expires_at", wire.expires_at).is_ok_and(|expires| expires <= now) {
        skip("expired");
        return None;
    }
    let action = match wire.action {
        Some(internal::command::Action::Republish(_)) => Action::Republish,
        Some(internal::command::Action::Resume(_)) => Action::Resume,
        Some(internal::command::Action::Resync(_)) => Action::Resync,
        Some(internal::command::Action::Retry(_)) => Action::Retry,
        None => {
            skip("unknown_action");
            return None;
        }
    };
    let Ok(tenant) = TenantName::new(wire.target) else {
        skip("invalid_field");
        return None;
    };
    if wire.link.len() > USER_BYTES_MAX || wire.link.chars().any(char::is_control) {
        skip("invalid_field");
        return None;
    }
    Some(Command { id: wire.id, actor: wire.actor, tenant, user: wire.link, action })
}
