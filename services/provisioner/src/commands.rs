//! Carries out administrators' commands.

use async_trait::async_trait;
use xtsync_service::commands::{Action, Command, CommandHandler};
use xtsync_store::{self as store, Transaction, republish};

use crate::service::Provisioner;
use crate::table::target;
use crate::{rehire, retry};

#[async_trait]
impl CommandHandler for Provisioner {
    async fn record(&self, tx: &mut Transaction, command: &Command) -> Result<(), store::Error> {
        match &command.action {
            Action::Republish => republish::request(tx, &command.tenant, self.context.now()).await,
            Action::Resume => target::resume(tx, &command.tenant).await,
            // What is read of a source is the detector's.
            Action::Resync => Ok(()),
            Action::Retry => retry::note(tx, &self.context, command).await,
            Action::Rehire { former } => rehire::note(tx, &self.context, command, former).await,
        }
    }
}
