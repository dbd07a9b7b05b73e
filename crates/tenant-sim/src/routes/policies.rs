//! `/policies/crossTenantAccessPolicy`: the default, the partners, and their identity synchronization.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Answer, Call, Reply, id, with_context};
use crate::error::Failure;
use crate::policy::AccessPolicy;

const NAME: &str = "policies/crossTenantAccessPolicy";

/// A change of one partner by the body of a request.
type PartnerChange = fn(&mut AccessPolicy, Uuid, &Map<String, Json>) -> Result<(), Failure>;

pub(super) fn serve(call: &Call<'_>, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("GET", []) => policy(call),
        ("GET", ["default"]) => Ok(Reply::ok(with_context(call, &format!("{NAME}/default"), call.tenant.read().policy.default_json()))),
        ("PATCH", ["default"]) => change(call, Uuid::nil(), AccessPolicy::patch_default),
        ("GET", ["partners"]) => partners(call),
        ("POST", ["partners"]) => add(call),
        ("GET", ["partners", key]) => partner(call, id(key)?),
        ("PATCH", ["partners", key]) => partner_change(call, id(key)?, AccessPolicy::patch_partner),
        ("DELETE", ["partners", key]) => removal(call, id(key)?, AccessPolicy::remove_partner),
        ("GET", ["partners", key, "identitySynchronization"]) => sync(call, id(key)?),
        ("PUT", ["partners", key, "identitySynchronization"]) => partner_change(call, id(key)?, AccessPolicy::put_sync),
        ("PATCH", ["partners", key, "identitySynchronization"]) => partner_change(call, id(key)?, AccessPolicy::patch_sync),
        ("DELETE", ["partners", key, "identitySynchronization"]) => removal(call, id(key)?, AccessPolicy::remove_sync),
        (_, [] | ["default" | "partners"] | ["partners", _] | ["partners", _, "identitySynchronization"]) => Err(Failure::method()),
        (_, [.., segment]) => Err(Failure::segment(segment)),
    }
}

fn policy(call: &Call<'_>) -> Answer {
    let json = json!({"id": call.tenant.id.to_string(), "displayName": "CrossTenantAccessPolicy", "description": null, "allowedCloudEndpoints": []});
    Ok(Reply::ok(with_context(call, &format!("{NAME}/$entity"), json)))
}

fn partners(call: &Call<'_>) -> Answer {
    let expand = expands(call)?;
    let directory = call.tenant.read();
    let partners = directory.policy.partners().map(|id| directory.policy.partner_json(id, expand)).collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::ok(json!({"@odata.context": call.context(&format!("{NAME}/partners")), "value": partners})))
}

fn partner(call: &Call<'_>, id: Uuid) -> Answer {
    let partner = call.tenant.read().policy.partner_json(id, expands(call)?)?;
    Ok(Reply::ok(with_context(call, &format!("{NAME}/partners/$entity"), partner)))
}

fn sync(call: &Call<'_>, id: Uuid) -> Answer {
    let sync = call.tenant.read().policy.sync_json(id)?;
    Ok(Reply::ok(with_context(call, &format!("{NAME}/partners('{id}')/identitySynchronization/$entity"), sync)))
}

fn add(call: &Call<'_>) -> Answer {
    let body = call.object()?;
    let mut directory = call.tenant.write();
    let id = directory.policy.add_partner(&body)?;
    directory.record_policy(id, body.keys().cloned().collect());
    let partner = directory.policy.partner_json(id, false)?;
    Ok(Reply::created(with_context(call, &format!("{NAME}/partners/$entity"), partner)))
}

fn partner_change(call: &Call<'_>, id: Uuid, set: PartnerChange) -> Answer {
    change(call, id, |policy, body| set(policy, id, body))
}

fn change(call: &Call<'_>, id: Uuid, set: impl FnOnce(&mut AccessPolicy, &Map<String, Json>) -> Result<(), Failure>) -> Answer {
    let body = call.object()?;
    let mut directory = call.tenant.write();
    set(&mut directory.policy, &body)?;
    directory.record_policy(id, body.keys().cloned().collect());
    Ok(Reply::no_content())
}

fn removal(call: &Call<'_>, id: Uuid, remove: fn(&mut AccessPolicy, Uuid) -> Result<(), Failure>) -> Answer {
    let mut directory = call.tenant.write();
    remove(&mut directory.policy, id)?;
    directory.record_policy(id, Vec::new());
    Ok(Reply::no_content())
}

fn expands(call: &Call<'_>) -> Result<bool, Failure> {
    match call.query.get("$expand") {
        None => Ok(false),
        Some("identitySynchronization") => Ok(true),
        Some(expand) => Err(Failure::bad_request(format!("Could not expand '{expand}'."))),
    }
}
