//! Settings of a tenant apart from users and groups: allowed invitations, trusted partners, secrets.

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use uuid::Uuid;
use xtsync_tenant_sim::{Domains, Sim, TenantHandle};

use crate::script::Command;

/// The one application of the simulated tenants, and its secret.
const CLIENT: (&str, &str) = ("app", "secret");

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

/// `secret expired`: tokens end, and the secret is refused as expired; `secret extended`: it is good again.
pub(crate) fn secret(command: &Command, sim: &Sim) -> Result<()> {
    match command.word(1)? {
        "expired" => sim.expire_secret(CLIENT.0)?,
        "extended" => sim.renew_secret(CLIENT.0, CLIENT.1)?,
        other => bail!("'secret' knows expired and extended, not '{other}'"),
    }
    sim.expire_tokens();
    Ok(())
}

/// A group of another name than its address: `rename-group emea GlobalEmployees Staff`.
pub(crate) fn rename_group(command: &Command, tenant: &TenantHandle, group: Uuid) -> Result<()> {
    Ok(tenant.patch_group(group, &json!({"displayName": command.word(3)?}))?)
}

/// `redeem hub emea/ana`: the first sign-in; has_word what came of it.
pub(crate) fn redeem(tenant: &TenantHandle, user: Uuid) -> Result<String> {
    Ok(format!("  {:?}\n", tenant.redeem(user)?))
}

/// `forget-partner hub emea`: the tenant has no entry of the other any more.
pub(crate) fn forget_partner(tenant: &TenantHandle, partner: Option<TenantHandle>) -> Result<()> {
    Ok(tenant.remove_partner(partner.context("no such tenant")?.id())?)
}
