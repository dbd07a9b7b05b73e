//! Commands of administrators to the roles that work on a tenant. Control records a command in the audit trail and publishes it.

use std::collections::BTreeSet;
use std::time::Duration;

use prost::Message as _;
use xtsync_bus::Urgency;
use xtsync_contract::convert::wire_time;
use xtsync_contract::event;
use xtsync_contract::internal;
use xtsync_contract::internal::command::Action;
use xtsync_contract::topic;
use xtsync_domain::resource::Tenant;
use xtsync_domain::{Configuration, TenantName};

use crate::actor::{Actor, Operation};
use crate::context::{Context, ROLE};
use crate::names::Names;
use crate::{Error, audit, reconcile, resources};

/// How long a command waits for a role that is down. Then it expires, because its purpose may no longer apply.
const VALID_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Requests the republication of a tenant's records. With an empty name it requests that of every synchronized tenant and reconciles the
/// configuration. Returns the tenants' names; `None` if there is no such tenant.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn republish(context: &Context, tenant: &str, actor: Actor<'_>) -> Result<Option<Vec<String>>, Error> {
    let tenants = match tenant {
        "" => {
            reconcile::reconcile(context).await?;
            synchronized_tenants(&configuration(context).await?)
        }
        name => match find_tenant(context, name).await? {
            Some(tenant) => [tenant].into(),
            None => return Ok(None),
        },
    };
    publish_command(context, &tenants, "republish", Action::Republish(internal::Republish {}), actor).await?;
    let names = Names::read(&context.store).await?;
    Ok(Some(tenants.iter().map(|tenant| names.name(tenant).to_string()).collect()))
}

/// Requests that writes to an observe-only target resume; `None` if there is no such tenant.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn resume(context: &Context, target: &str, actor: Actor<'_>) -> Result<Option<()>, Error> {
    let Some(target) = find_tenant(context, target).await? else { return Ok(None) };
    publish_command(context, &[target].into(), "resume", Action::Resume(internal::Resume {}), actor).await.map(Some)
}

/// Requests a full sync cycle of a source; `None` if there is no such tenant.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn resync(context: &Context, tenant: &str, actor: Actor<'_>) -> Result<Option<()>, Error> {
    let Some(tenant) = find_tenant(context, tenant).await? else { return Ok(None) };
    publish_command(context, &[tenant].into(), "resync", Action::Resync(internal::Resync {}), actor).await.map(Some)
}

/// Requests a retry of the waiting work of a tenant, for all users or for one; `None` if there is no such tenant.
///
/// # Errors
/// If the store or the bus fails, or this replica does not lead.
pub(crate) async fn retry(context: &Context, tenant: &str, user: &str, actor: Actor<'_>) -> Result<Option<()>, Error> {
    let Some(tenant) = find_tenant(context, tenant).await? else { return Ok(None) };
    let user = Names::read(&context.store).await?.user_key(user)?;
    publish_command_for(context, &[tenant].into(), &user, "retry", Action::Retry(internal::Retry {}), actor).await.map(Some)
}

async fn configuration(context: &Context) -> Result<Configuration, Error> {
    Ok(Configuration::new(0, resources::read(&context.store).await?.into_values()))
}

/// Returns the key of the tenant with this name.
pub(crate) async fn find_tenant(context: &Context, name: &str) -> Result<Option<TenantName>, Error> {
    Ok(find_tenant_resource(context, name).await?.map(|(key, _)| key))
}

/// Returns the tenant with this name: its key and what is configured.
pub(crate) async fn find_tenant_resource(context: &Context, name: &str) -> Result<Option<(TenantName, Tenant)>, Error> {
    let Ok(name) = TenantName::new(name) else { return Ok(None) };
    let key = Names::read(&context.store).await?.key(&name)?;
    let tenant = configuration(context).await?.tenant(&key).cloned();
    Ok(tenant.map(|tenant| (key, tenant)))
}

/// Returns every tenant that is the source or target of a synchronization.
fn synchronized_tenants(configuration: &Configuration) -> BTreeSet<TenantName> {
    configuration.synchronizations().flat_map(|one| [one.source.clone(), one.spec.to.clone()]).collect()
}

/// Records and publishes one command per tenant.
async fn publish_command(
    context: &Context,
    tenants: &BTreeSet<TenantName>,
    verb: &'static str,
    action: Action,
    actor: Actor<'_>,
) -> Result<(), Error> {
    publish_command_for(context, tenants, "", verb, action, actor).await
}

/// As [`publish_command`], for one user; for all users if `user` is empty.
pub(crate) async fn publish_command_for(
    context: &Context,
    tenants: &BTreeSet<TenantName>,
    user: &str,
    verb: &'static str,
    action: Action,
    actor: Actor<'_>,
) -> Result<(), Error> {
    let now = context.clock.now();
    let operation = Operation { actor, verb, now };
    let mut tx = context.fence()?.begin().await?;
    let mut records = Vec::new();
    for tenant in tenants {
        let command = internal::Command {
            id: format!("{verb}/{tenant}/{}", now.0),
            actor: actor.identity.to_owned(),
            target: tenant.to_string(),
            link: user.to_owned(),
            expires_at: Some(wire_time(now.plus(VALID_FOR))),
            action: Some(action.clone()),
        };
        let value = command.encode_to_vec();
        audit::record(&mut tx, operation, tenant.as_str(), &format!("Tenant/{tenant}/{tenant}"), &value).await?;
        tracing::info!(command = command.id, actor = actor.identity, declared = actor.declared, %tenant, verb, "command published");
        records.push(event::record::<internal::Command>(ROLE, topic::COMMANDS.topic(), tenant.as_str(), now.0, now, None, value));
    }
    tx.commit().await?;
    Ok(context.bus.publish(records, Urgency::Live).await?)
}
