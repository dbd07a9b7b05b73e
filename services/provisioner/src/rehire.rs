//! `xtsync rehire`: an administrator confirms that a new home account is the rehire of a former user.
//!
//! The replica that receives the command notes it in the store, and has the link of the new account tried again. The job of that link takes
//! the former account's shadow user over ([`crate::job`]).

use tracing::warn;
use xtsync_domain::{TenantName, UserId};
use xtsync_service::commands::Command;
use xtsync_store::{self as store, Transaction};

use crate::context::Context;
use crate::retry;
use crate::table::{Key, rehire};

/// Notes a confirmed rehire. The command's tenant is the target.
pub(crate) async fn note(tx: &mut Transaction, context: &Context, command: &Command, former: &UserId) -> Result<(), store::Error> {
    let user = command.user.split_once('/').and_then(|(source, user)| Some((TenantName::new(source).ok()?, user)));
    let Some((source, user)) = user else {
        warn!(id = command.id, "the command names no user as SOURCE/ID: it is skipped");
        return Ok(());
    };
    let key = Key { target: command.tenant.clone(), source, user: user.into() };
    rehire::put(tx, &key, former).await?;
    retry::note(tx, context, command).await
}
