//! Consumes commands. Any replica of a role handles them, each command once, because its effect is stored with its offset.
//!
//! A handler records the requested action in the store; the owner of the tenant's lease is woken ([`Wake::Command`]) and reads it there. A command is no state: one that
//! cannot be decoded or has expired is skipped, and so is an action of a newer version.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use xtsync_contract::convert::time;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::topic;
use xtsync_domain::{TenantName, Timestamp, UserId};

use crate::consumer::{Consumer, Error, positions};
use crate::service::Parts;
use crate::wake::Wake;
use xtsync_bus::{Bus, Record};
use xtsync_runtime::clock::Clock;
use xtsync_runtime::shutdown::Shutdown;
use xtsync_runtime::telemetry::chain;
use xtsync_store::{self as store, Store, Transaction, lock_offsets, store_offsets};

/// How long to wait before a retry after an error of the bus or the store.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The most bytes of a user name in a command.
pub const USER_BYTES_MAX: usize = 1024;

/// A request to the owner of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its id.
    pub id: String,
    /// The user who sent it.
    pub actor: String,
    /// The tenant it concerns.
    pub tenant: TenantName,
    /// The user it concerns, as `source/user` or the id alone; empty for the whole tenant.
    pub user: String,
    /// The requested action.
    pub action: Action,
}

/// The actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Republish the stored state of the tenant.
    Republish,
    /// Resume writes to a target that a store rebuild left observe-only.
    Resume,
    /// Start a full sync cycle.
    Resync,
    /// Retry now what waits for its time or for a response of a target.
    Retry,
    /// The user, named as `source/user`, takes over the soft-deleted shadow user of a former account.
    Rehire {
        /// The former account of the same source.
        former: UserId,
    },
}

/// Executes commands in a role's store.
#[async_trait]
pub trait CommandHandler: Send + Sync {
    /// Records in the store what a command requests.
    async fn record(&self, tx: &mut Transaction, command: &Command) -> Result<(), store::Error>;
}

/// The command consumer of one replica.
pub struct CommandConsumer {
    store: Store,
    bus: Bus,
    clock: Arc<dyn Clock>,
    group: &'static str,
    /// Taken out during a step, so that a failed or cancelled step starts again with a new consumer.
    consumer: Option<Consumer>,
}

impl CommandConsumer {
    /// A consumer that has not started; `group` is the consumer group of the role's replicas.
    #[must_use]
    pub fn new(store: &Store, parts: &Parts, group: &'static str) -> Self {
        Self { store: store.clone(), bus: Bus::clone(&parts.bus), clock: Arc::clone(&parts.clock), group, consumer: None }
    }

    /// Consumes commands until the shutdown.
    pub async fn run(mut self, handler: &dyn CommandHandler, shutdown: Shutdown) {
        while let Some(step) = shutdown.or(self.step(handler, RETRY_INTERVAL)).await {
            if let Err(error) = step {
                warn!(error = chain(&error), "consuming commands failed and is retried");
                shutdown.or(sleep(RETRY_INTERVAL)).await;
            }
        }
    }

    /// Handles the next event of the bus, waiting up to `wait` for it.
    ///
    /// # Errors
    /// When the store or the bus fails; the next step starts again at the stored offset.
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
        // Another replica may have handled these records already: those below the stored offset are skipped.
        let stored = lock_offsets(&mut tx, next.keys().cloned().collect()).await?;
        let is_new = |record: &&Record| stored.get(&record.at.partition).is_none_or(|next| record.at.offset >= *next);
        let now = self.clock.now();
        let commands: Vec<Command> = records.iter().filter(is_new).filter_map(|record| read(record, now)).collect();
        for command in &commands {
            let Command { id, actor, tenant, action, user: _ } = command;
            info!(id, actor, %tenant, ?action, "command accepted");
            handler.record(&mut tx, command).await?;
            Wake::Command(tenant.clone()).send(&mut tx);
        }
        store_offsets(&mut tx, &next);
        Ok(tx.commit().await?)
    }
}

/// Decodes the command of a record, if it is an xtsync command that has not expired.
fn read(record: &Record, now: Timestamp) -> Option<Command> {
    let skip = |reason: &str| warn!(partition = %record.at.partition, offset = record.at.offset, reason, "command skipped");
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
        Some(internal::command::Action::Rehire(rehire)) if is_user(&rehire.former) => Action::Rehire { former: rehire.former.into() },
        Some(internal::command::Action::Rehire(_)) => {
            skip("invalid_field");
            return None;
        }
        None => {
            skip("unknown_action");
            return None;
        }
    };
    let Ok(tenant) = TenantName::new(wire.target) else {
        skip("invalid_field");
        return None;
    };
    if !is_user(&wire.link) {
        skip("invalid_field");
        return None;
    }
    Some(Command { id: wire.id, actor: wire.actor, tenant, user: wire.link, action })
}

/// Whether a text can name a user in a command: not too long, and without control characters.
#[must_use]
pub fn is_user(name: &str) -> bool {
    name.len() <= USER_BYTES_MAX && !name.chars().any(char::is_control)
}
