//! The configuration of the end-to-end tests: sources into targets, with the simulator's group of all users as scope.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::fleet::Plan;

/// Writes a folder of YAML for a plan, and below it the simulated application's secrets. The sources notify `notified` of changes.
///
/// # Errors
/// If it cannot be written.
pub fn write(folder: &Path, address: &str, plan: &Plan, notified: Option<&str>) -> Result<()> {
    fs::create_dir_all(folder)?;
    for tenant in tenants(plan) {
        let secrets = secrets(folder).join(tenant);
        fs::create_dir_all(&secrets)?;
        fs::write(secrets.join("secret"), "secret")?;
    }
    fs::write(folder.join("contoso.yaml"), yaml(address, plan, notified)?)?;
    Ok(())
}

/// The secrets directory of a folder's tenants.
#[must_use]
pub fn secrets(folder: &Path) -> PathBuf {
    folder.join("secrets")
}

fn tenants(plan: &Plan) -> BTreeSet<&str> {
    let of_pairs = plan.pairs.iter().flat_map(|(source, target)| [source.as_str(), target]);
    of_pairs.chain(plan.idle.iter().map(String::as_str)).collect()
}

fn yaml(address: &str, plan: &Plan, notified: Option<&str>) -> Result<String> {
    let Plan { pairs, scope, grace, limits, mappings, partitions, .. } = plan;
    let scope = if scope.is_empty() { "everyone: true".to_owned() } else { format!("groups: [{}]", scope.join(", ")) };
    let grace = grace.as_millis();
    let client = "{clientId: app, clientSecret: {file: secret}}";
    let tenants = tenants(plan);
    let names = tenants.iter().copied().collect::<Vec<_>>().join(", ");
    let mut yaml = format!("apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {{name: contoso}}\nspec: {{tenants: [{names}]}}\n");
    for tenant in tenants {
        let notified = notified.filter(|_| pairs.iter().any(|(source, _)| source == tenant));
        let notifications = notified.map_or(String::new(), |url| format!("notifications: {{url: '{url}'}}, "));
        write!(
            yaml,
            "---\nkind: Tenant\nmetadata: {{name: {tenant}}}\nspec:\n  organization: contoso\n  partitions: {partitions}\n  graph: {{domain: {tenant}.example, \
             endpoint: '{address}', authority: '{address}', {notifications}reader: {client}, writer: {client}}}\n"
        )?;
    }
    for (source, target) in pairs {
        write!(
            yaml,
            "---\nkind: Synchronization\nmetadata: {{tenant: {source}, name: to-{target}}}\nspec:\n  to: {target}\n  mode: enforce\n  \
             scopeGracePeriod: {grace}ms\n  scope: {{{scope}}}\n  limits: {{{limits}}}\n  mappings: {{{mappings}}}\n"
        )?;
    }
    Ok(yaml)
}
