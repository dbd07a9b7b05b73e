//! `xtsync rehire`: confirms that a new account is the rehire of a former user, whose shadow user it takes over.

use serde_json::json;
use xtsync_contract::control::ConfirmRehireRequest;

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::{self, Format, FormatArgs};

/// Confirms that a user's new home account is the rehire of a former user.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  xtsync rehire contoso emea/5c0f0bd8-6d4c-4bb2-9d0f-2f6b7b0f7a11 emea/0a7d3c52-9f1e-4d27-8a34-5e6c1f0b9d43"
)]
pub struct Args {
    /// The target tenant
    target: String,

    /// The new account: SOURCE/USER
    user: String,

    /// The former account, deleted at home: SOURCE/USER of the same source
    former: String,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Requests it.
///
/// # Errors
/// When control does not answer, knows no such tenant, or there is nothing to take over.
pub async fn run(args: Args) -> exit::Result {
    let Args { target, user, former, format, connection } = args;
    let mut client = connection.connect().await?;
    let request = ConfirmRehireRequest { target: target.clone(), user: user.clone(), former: former.clone(), actor: super::actor() };
    let done = client.confirm_rehire(request).await.map_err(|status| failure(&status))?.into_inner().done;
    match format.get() {
        Format::Json => output::json(&json!({ "target": target, "user": user, "former": former, "done": done }))?,
        Format::Text if done => output::line(&format!("{user} has the shadow user of {former} in {target} already"))?,
        Format::Text => output::line(&format!("{user} takes over the shadow user of {former} in {target} once in scope"))?,
    }
    Ok(())
}
