//! The configuration of the stories: sources into targets, for the simulator's group of everybody.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::fleet::Plan;

/// Writes a folder of YAML for a plan, whose sources tell of changes to `notified`, and in it the simulated application's secret.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, address: &str, plan: &Plan, notified: Option<&str>) -> Result<()> {
    fs::create_dir_all(folder)?;
    let secret = folder.join("secret");
    fs::write(&secret, "secret")?;
    fs::write(folder.join("contoso.yaml"), yaml(&secret, address, plan, notified)?)?;
    Ok(())
}

fn yaml(secret: &Path, address: &str, plan: &Plan, notified: Option<&str>) -> Result<String> {
    let Plan { pairs, scope, settle, .. } = plan;
    let (groups, settle) = (scope.join(", "), settle.as_millis());
    let client = format!("{{clientId: app, clientSecret: {{file: {}}}}}", secret.display());
    let tenants: BTreeSet<&str> = pairs.iter().flat_map(|(source, target)| [source.as_str(), target]).collect();
    let names = tenants.iter().copied().collect::<Vec<_>>().join(", ");
    let mut yaml = format!("apiVersion: xtsync.dev/v1\nkind: Organization\nmetadata: {{name: contoso}}\nspec: {{tenants: [{names}]}}\n");
    for tenant in tenants {
        let notified = notified.filter(|_| pairs.iter().any(|(source, _)| source == tenant));
        let notifications = notified.map_or(String::new(), |url| format!("notifications: {{url: '{url}'}}, "));
        write!(
            yaml,
            "---\nkind: Tenant\nmetadata: {{name: {tenant}}}\nspec:\n  organization: contoso\n  graph: {{domain: {tenant}.example, \
             endpoint: '{address}', authority: '{address}', {notifications}reader: {client}, writer: {client}}}\n"
        )?;
    }
    for (source, target) in pairs {
        write!(
            yaml,
            "---\nkind: Synchronization\nmetadata: {{tenant: {source}, name: to-{target}}}\nspec:\n  to: {target}\n  mode: enforce\n  \
             settle: {settle}ms\n  scope: {{groups: [{groups}]}}\n"
        )?;
    }
    Ok(yaml)
}
