//! `xtsync get`: lists resources and their state.

use serde_json::{Value, json};
use xtsync_contract::control::{ListResourcesRequest, ResourceStatus};

use crate::client::{Connection, failure};
use crate::exit;
use crate::output::condition::{as_json as as_json_condition, optional_text, text};
use crate::output::{self, Format, FormatArgs};

/// Lists resources.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  xtsync get synchronization --json")]
pub struct Args {
    /// Only resources of this kind, such as Synchronization
    kind: Option<String>,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    connection: Connection,
}

/// Lists the resources.
///
/// # Errors
/// When control does not answer.
pub async fn run(args: Args) -> exit::Result {
    let mut client = args.connection.connect().await?;
    let listed = client.list_resources(ListResourcesRequest {}).await.map_err(|status| failure(&status))?.into_inner();
    let wanted = |resource: &ResourceStatus| args.kind.as_ref().is_none_or(|kind| kind_of(resource).eq_ignore_ascii_case(kind));
    let resources: Vec<ResourceStatus> = listed.resources.into_iter().filter(wanted).collect();
    match args.format.get() {
        Format::Json => output::json(&resources.iter().map(as_json).collect())?,
        Format::Text => output::print(&output::table(&["RESOURCE", "REVISION", "STATUS"], resources.iter().map(as_row)))?,
    }
    Ok(())
}

fn kind_of(resource: &ResourceStatus) -> &str {
    resource.id.split('/').next().unwrap_or_default()
}

fn as_row(resource: &ResourceStatus) -> Vec<String> {
    let pending = resource.pending.iter().map(|pending| format!("pending: {}: {}", pending.path, optional_text(&pending.condition)));
    let in_force = resource.in_force.as_ref().map(text);
    let remarks: Vec<String> = pending.chain(in_force).chain(resource.notices.iter().map(|one| optional_text(&one.condition))).collect();
    let key = Some(format!("key: {}", resource.key)).filter(|_| !resource.key.is_empty());
    let facts: Vec<String> = key.into_iter().chain(resource.resolved.iter().cloned()).collect();
    let status = if remarks.is_empty() { facts.join(", ") } else { output::notable(&remarks.join("; ")) };
    vec![resource.id.clone(), resource.revision.to_string(), status]
}

fn as_json(resource: &ResourceStatus) -> Value {
    let spec: Value = serde_json::from_str(&resource.spec_json).unwrap_or_default();
    let pending: Vec<Value> = resource.pending.iter().map(output::pending).collect();
    let pending_spec: Option<Value> = serde_json::from_str(&resource.pending_json).ok();
    json!({
        "id": resource.id, "key": resource.key, "revision": resource.revision, "spec": spec, "resolved": resource.resolved,
        "pending": pending, "pending_spec": pending_spec, "in_force": resource.in_force.as_ref().map(as_json_condition),
        "notices": resource.notices.iter().map(output::notice).collect::<Vec<_>>(),
    })
}
