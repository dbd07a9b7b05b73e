//! What the detector does of what administrators ask for.

use async_trait::async_trait;
use xtsync_service::commands::{Action, Command, CommandHandler};
use xtsync_store::{self as store, Transaction, republish};

use crate::sync_state;
use crate::watch::Shared;

/// The group under which replicas share the commands.
pub(crate) const GROUP: &str = "xtsync-change-detector-commands";

#[async_trait]
impl CommandHandler for Shared {
    async fn record(&self, tx: &mut Transaction, command: &Command) -> Result<(), store::Error> {
        match command.action {
            Action::Republish => republish::request(tx, &command.tenant, self.parts.clock.now()).await,
            Action::Resume | Action::Retry | Action::Rehire { .. } => Ok(()),
            Action::Resync => sync_state::request_resync(tx, &command.tenant, self.parts.clock.now()).await,
        }
    }
}
