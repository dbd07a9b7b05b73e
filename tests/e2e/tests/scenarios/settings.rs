//! Settings of a tenant apart from users and groups: allowed invitations, trusted partners, secrets.

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use uuid::Uuid;
use xtsync::sandbox::Sandbox;
use xtsync_tenant_sim::{Domains, TenantHandle};

use crate::script::{Command, EXTENSION};

/// The applications of the simulated tenants, their first secret, and their second.
pub(crate) const READER: &str = "app";
pub(crate) const WRITER: &str = "writer";
pub(crate) const SECRET: &str = "secret";
const NEW_SECRET: &str = "another secret";

/// `domains hub only a.example b.example`, `domains hub all-but a.example`, `domains hub any`.
pub(crate) fn domains(command: &Command, tenant: &TenantHandle) -> Result<()> {
    let named = command.after(3).to_vec();
    tenant.set_domains(match command.word(2)? {
        "any" => Domains::Any,
        "only" => Domains::Only(named),
        "all-but" => Domains::AllBut(named),
        other => bail!("'domains' knows any, only and all-but, not '{other}'"),
    });
    Ok(())
}

/// `secret expired`: tokens end, and the secret is refused as expired, of both applications or of the `reader` or `writer`;
/// `secret extended`: it is good again; `secret renewed`: there is a new one, and the Tenants' secret files contain it.
pub(crate) fn secret(command: &Command, sandbox: &mut Sandbox) -> Result<()> {
    let sim = sandbox.sim().clone();
    let clients: &[&str] = match command.word(2).ok() {
        None => &[READER, WRITER],
        Some("reader") => &[READER],
        Some("writer") => &[WRITER],
        Some(other) => bail!("'secret' knows reader and writer, not '{other}'"),
    };
    match command.word(1)? {
        "expired" => clients.iter().try_for_each(|client| sim.expire_secret(client))?,
        "extended" => clients.iter().try_for_each(|client| sim.renew_secret(client, SECRET))?,
        "renewed" => {
            [READER, WRITER].iter().try_for_each(|client| sim.renew_secret(client, NEW_SECRET))?;
            sandbox.replace_secret(NEW_SECRET)?;
        }
        other => bail!("'secret' knows expired, extended and renewed, not '{other}'"),
    }
    sim.expire_tokens();
    Ok(())
}

/// `blocked change-detector emea`: why the role cannot work on the tenant, by the code that status shows.
pub(crate) async fn blocked(command: &Command, sandbox: &mut Sandbox) -> Result<String> {
    let (role, tenant) = (command.word(1)?, command.word(2)?);
    let status = sandbox.status().await.map_err(|failure| failure.error)?;
    let mut concerned = status.roles.iter().filter(|one| one.role == role && one.tenant == tenant && one.leader);
    let code = concerned.next().map(|one| one.blocked.as_str()).filter(|code| !code.is_empty());
    Ok(format!("  {}\n", code.unwrap_or("not blocked")))
}

/// A group of another name than its address: `rename-group emea GlobalEmployees Staff`.
pub(crate) fn rename_group(command: &Command, tenant: &TenantHandle, group: Uuid) -> Result<()> {
    Ok(tenant.patch_group(group, &json!({"displayName": command.word(3)?}))?)
}

/// `redeem hub emea/ana`: the first sign-in; returns what came of it.
pub(crate) fn redeem(tenant: &TenantHandle, user: Uuid) -> Result<String> {
    Ok(format!("  {:?}\n", tenant.redeem(user)?))
}

/// `forget-partner hub emea`: the tenant has no entry of the other any more.
pub(crate) fn forget_partner(tenant: &TenantHandle, partner: Option<TenantHandle>) -> Result<()> {
    Ok(tenant.remove_partner(partner.context("no such tenant")?.id())?)
}

/// `extension emea costCenter String`, `extension emea skills String many`.
pub(crate) fn extension(command: &Command, tenant: &TenantHandle) -> Result<()> {
    let name = format!("{EXTENSION}{}", command.word(2)?);
    Ok(tenant.register_typed_extension(&name, command.word(3)?, command.has_word("many"))?)
}
