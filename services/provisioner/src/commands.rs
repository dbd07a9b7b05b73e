//! What the provisioner does of what administrators ask for.

use async_trait::async_trait;
use xtsync_domain::TenantName;
use xtsync_service::commands::{Action, CarryOut, Command};
use xtsync_store::{self as store, Transaction, scrub};

use crate::retry;
use crate::service::Provisioner;
use crate::table::target;

/// The group under which replicas share the commands.
pub(crate) const GROUP: &str = "xtsync-provisioner-commands";

#[async_trait]
impl CarryOut for Provisioner {
    async fn note(&self, tx: &mut Transaction, command: &Command) -> Result<(), store::Error> {
        match command.action {
            Action::Republish => scrub::ask(tx, &command.tenant, self.context.now()).await,
            Action::Release => target::release(tx, &command.tenant).await,
            // What is read of a source is the detector's.
            Action::Resync => Ok(()),
            Action::Retry => retry::note(tx, &self.context, command).await,
        }
    }

    /// Nobody: the owner looks every second.
    fn wake(&self, _: &TenantName) {}
}
