//! What `show` answers: the people of a target as its administrator would list them.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;
use xtsync_tenant_sim::{TenantHandle, anchor_property};

/// Attributes that are shown if they have a value.
const SHOWN: [&str; 4] = ["department", "jobTitle", "companyName", "city"];

/// The users of a target by their names in the script, soft-deleted ones last. `more` names further attributes to show.
pub(crate) fn people(target: &TenantHandle, names: &BTreeMap<String, String>, more: &[String]) -> String {
    let mut lines: Vec<String> =
        target.users().into_iter().filter_map(|id| target.user(id)).map(|user| person(&user, names, more)).collect();
    lines.sort();
    let mut soft_deleted: Vec<String> = target.deleted_users().into_iter().map(|id| soft_deleted_line(target, id, names)).collect();
    soft_deleted.sort();
    lines.extend(soft_deleted);
    if lines.is_empty() { "  none\n".to_owned() } else { lines.concat() }
}

/// The name in the script of the user with this anchor.
pub(crate) fn name<'a>(anchor: Option<&'a str>, names: &'a BTreeMap<String, String>) -> &'a str {
    anchor.and_then(|anchor| names.get(anchor)).map_or("unknown user", String::as_str)
}

fn person(user: &Value, names: &BTreeMap<String, String>, more: &[String]) -> String {
    let name = name(user[anchor_property()].as_str(), names);
    let sign_in = if user["accountEnabled"] == true { "may sign in" } else { "blocked" };
    let kind = user["userType"].as_str().unwrap_or("?");
    let state = user["externalUserState"].as_str().unwrap_or("internal");
    let shown = SHOWN.into_iter().chain(more.iter().map(String::as_str));
    let value = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{text:?}")),
        other => Some(other.to_string()),
    };
    let shown: Vec<String> = shown.filter_map(|name| Some(format!(" {name}={}", value(&user[name])?))).collect();
    format!("  {name}: {kind}, {state}, {sign_in}{}\n", shown.concat())
}

fn soft_deleted_line(target: &TenantHandle, id: Uuid, names: &BTreeMap<String, String>) -> String {
    let user = target.deleted_user(id).unwrap_or_default();
    format!("  {}: soft-deleted\n", name(user[anchor_property()].as_str(), names))
}
