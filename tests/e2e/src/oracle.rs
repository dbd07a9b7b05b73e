//! Compares both tenants, read through Graph, and reports each difference in the target. Its rules come from the documentation, not the code.
//!
//! The rules, for a synchronization whose scope is one group: each internal, enabled, direct member of the group has exactly one
//! user in the target, with the same mapped attributes, with sign-in enabled. A disabled user has no user there or a disabled one.
//! A user out of scope has none, except a soft-deleted one. The target holds no other users.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::graph::Tenant;

/// Attributes that are the same in source and target under the default mappings.
pub const MAPPED: [&str; 16] = [
    "displayName",
    "givenName",
    "surname",
    "jobTitle",
    "department",
    "companyName",
    "employeeId",
    "employeeType",
    "streetAddress",
    "city",
    "state",
    "postalCode",
    "country",
    "officeLocation",
    "preferredLanguage",
    "usageLocation",
];

/// One source of a target.
#[derive(Debug, Clone)]
pub struct Source {
    /// The source tenant.
    pub tenant: Tenant,
    /// The group in scope, by name.
    pub group: String,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The differences.
    pub wrong: Vec<String>,
    /// Number of source users that are in the target as expected.
    pub present: usize,
    /// Number of target users that are disabled like their source users.
    pub disabled: usize,
    /// Number of soft-deleted target users.
    pub soft_deleted: usize,
}

/// Compares a target with its sources.
///
/// # Errors
/// If a tenant cannot be read.
pub async fn verify(sources: &[Source], target: &Tenant) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let anchor = anchor_name(target).await?;
    let select = format!("id,userPrincipalName,mail,accountEnabled,userType,creationType,{anchor},{}", MAPPED.join(","));
    let live = target.all(&format!("/users?$top=999&$select={select}")).await?;
    let deleted = target.all(&format!("/directory/deletedItems/microsoft.graph.user?$top=999&$select=id,{anchor}")).await?;
    let mut shadows = by_anchor(&live, &anchor, &mut verdict);
    let soft_deleted: BTreeSet<&str> = deleted.iter().filter_map(|user| user[&anchor].as_str()).collect();
    verdict.soft_deleted = soft_deleted.len();
    for source in sources {
        verify_source(source, &mut shadows, &soft_deleted, &mut verdict).await?;
    }
    verdict.wrong.extend(shadows.keys().map(|anchor| format!("{anchor} is in the target although no source user is in scope")));
    Ok(verdict)
}

async fn verify_source(
    source: &Source,
    shadows: &mut BTreeMap<String, &Value>,
    soft_deleted: &BTreeSet<&str>,
    verdict: &mut Verdict,
) -> Result<()> {
    let home = source.tenant.directory_id().await?;
    let group = source.tenant.group(&source.group).await?;
    let select = format!("id,userPrincipalName,accountEnabled,creationType,{}", MAPPED.join(","));
    let users = source.tenant.all(&format!("/users?$top=999&$select={select}")).await?;
    let members = source.tenant.all(&format!("/groups/{group}/members?$top=999&$select=id")).await?;
    let members: BTreeSet<&str> = members.iter().filter_map(|member| member["id"].as_str()).collect();
    for user in &users {
        let id = user["id"].as_str().context("a source user without id")?;
        let anchor = format!("{home}/{id}");
        let external = user["userPrincipalName"].as_str().is_some_and(|name| name.contains("#EXT#"));
        let in_scope = members.contains(id) && !external;
        let enabled = user["accountEnabled"] == Value::Bool(true);
        let shadow = shadows.remove(&anchor);
        match (in_scope, enabled, shadow) {
            (true, true, Some(shadow)) => {
                verdict.present += 1;
                compare(&anchor, user, shadow, verdict);
            }
            (true, true, None) => verdict
                .wrong
                .push(format!("{anchor} is missing{}", if soft_deleted.contains(anchor.as_str()) { ": soft-deleted" } else { "" })),
            (true, false, Some(shadow)) => {
                verdict.disabled += 1;
                compare(&anchor, user, shadow, verdict);
            }
            (false, _, Some(_)) => verdict.wrong.push(format!("{anchor} is out of scope and still there")),
            (true, false, None) | (false, _, None) => {}
        }
    }
    Ok(())
}

fn compare(anchor: &str, user: &Value, shadow: &Value, verdict: &mut Verdict) {
    for name in MAPPED.iter().chain(&["accountEnabled"]) {
        if user[name] != shadow[name] {
            verdict.wrong.push(format!("{anchor}: {name} differs"));
        }
    }
    if shadow["userType"] != "Member" {
        verdict.wrong.push(format!("{anchor}: userType is not Member"));
    }
    if shadow["creationType"] != "Invitation" {
        verdict.wrong.push(format!("{anchor}: was not invited"));
    }
}

/// The target's users by anchor. A duplicate anchor or principal name is a difference.
fn by_anchor<'a>(users: &'a [Value], anchor: &str, verdict: &mut Verdict) -> BTreeMap<String, &'a Value> {
    let mut shadows = BTreeMap::new();
    let mut addresses: HashMap<String, &str> = HashMap::new();
    for user in users {
        if let Some(text) = user[anchor].as_str()
            && shadows.insert(text.to_owned(), user).is_some()
        {
            verdict.wrong.push(format!("{text} is in the target twice"));
        }
        if let Some(mail) = user["mail"].as_str()
            && let Some(other) = addresses.insert(mail.to_lowercase(), user["id"].as_str().unwrap_or_default())
        {
            verdict.wrong.push(format!("{} and {other} have the same mail", user["id"]));
        }
    }
    shadows
}

/// The name of the directory extension that holds the anchor.
async fn anchor_name(target: &Tenant) -> Result<String> {
    let answer =
        target.post("/directoryObjects/getAvailableExtensionProperties", serde_json::json!({"isSyncedFromOnPremises": false})).await?;
    let names = answer["value"].as_array().context("no extension properties")?;
    let mut names = names.iter().filter_map(|property| property["name"].as_str());
    Ok(names.find(|name| name.ends_with("_xtsyncAnchor")).context("no anchor is registered")?.to_owned())
}
