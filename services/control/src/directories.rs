//! Pins each tenant to its directory at first contact. Only an operator's confirmation changes the pin.
//!
//! The detector publishes the directory that it read on `tenant-facts`. Control pins the first one in a revision of its own, unless another
//! tenant is pinned to the same directory. Every role holds two tenants that share a directory, independent of their order.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::fact::Identity;
use xtsync_domain::resource::{Directory, Id, Spec};
use xtsync_domain::{DirectoryId, TenantName};
use xtsync_store::params;

use crate::actor::{Actor, Operation};
use crate::context::{Context, ROLE};
use crate::names::Names;
use crate::problem::Problem;
use crate::resources::{self, StoredResources};
use crate::revision;
use crate::view::fact;
use crate::{Error, publish};

/// The result of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// The newest revision.
    pub(crate) revision: u64,
    /// The tenant's new directory.
    pub(crate) directory: DirectoryId,
    /// The tenant's former directory.
    pub(crate) former: DirectoryId,
}

/// Pins the directories of tenants that were read for the first time, as a revision of its own.
///
/// # Errors
/// If the store or the bus is unavailable, or this replica does not lead. The caller may call it again.
pub(crate) async fn pin_new(context: &Context) -> Result<(), Error> {
    if !is_any_unpinned(context).await? {
        return Ok(());
    }
    let _guard = context.revision_lock.lock().await;
    let mut tx = context.fence()?.begin().await?;
    let stored = resources::read_in(&mut tx).await?;
    let found = found(&stored, fact::identities(&context.store).await?);
    if found.is_empty() {
        return Ok(());
    }
    let operation = Operation { actor: Actor::internal(ROLE.name()), verb: "pin", now: context.clock.now() };
    revision::store(&mut tx, operation, &stored, &found).await?;
    tx.commit().await?;
    publish::pending(context).await
}

/// Whether any read tenant has no pin. It runs at each read of any tenant, so it is a single statement.
async fn is_any_unpinned(context: &Context) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM view_fact AS f JOIN resource AS t ON t.kind = 'Tenant' AND t.name = f.tenant
        WHERE f.key = $1 AND NOT EXISTS (SELECT 1 FROM resource AS d WHERE d.kind = 'Directory' AND d.tenant = f.tenant) LIMIT 1";
    Ok(context.store.fetch_one_opt(SQL, params![xtsync_domain::fact::IDENTITY]).await?.is_some())
}

/// Returns the directories of tenants without a pin, except directories that another tenant is pinned to.
fn found(stored: &StoredResources, read: BTreeMap<TenantName, Identity>) -> BTreeMap<Id, Spec> {
    let mut taken: BTreeSet<DirectoryId> = stored.values().filter_map(|resource| directory(&resource.spec)).cloned().collect();
    let is_tenant = |tenant: &TenantName| {
        stored.values().any(|resource| matches!(resource.spec, Spec::Tenant(_)) && resource.id.name == tenant.as_str())
    };
    let mut found = BTreeMap::new();
    for (tenant, Identity { directory_id: id, default_domain, .. }) in read.into_iter().filter(|(tenant, _)| is_tenant(tenant)) {
        let key = Directory::id_of(&tenant);
        if !stored.contains_key(&key) && taken.insert(id.clone()) {
            found.insert(key, Spec::Directory(Directory { id, default_domain }));
        }
    }
    found
}

fn directory(spec: &Spec) -> Option<&DirectoryId> {
    spec.directory().map(|directory| &directory.id)
}

/// Pins the tenant to the directory that the detector read last; `None` if there is no such tenant. `expected` is the directory id that the
/// operator confirms; empty accepts any.
///
/// # Errors
/// [`Error::Refused`] if there is nothing to confirm; other errors if the store or the bus fails, or this replica does not lead.
pub(crate) async fn confirm(context: &Context, tenant: &str, expected: &str, actor: Actor<'_>) -> Result<Option<Confirmed>, Error> {
    let Ok(name) = TenantName::new(tenant) else { return Ok(None) };
    let _guard = context.revision_lock.lock().await;
    let mut tx = context.fence()?.begin().await?;
    let stored = resources::read_in(&mut tx).await?;
    let names = Names::of(stored.values());
    let tenant = names.key(&name)?;
    if !stored.values().any(|resource| matches!(resource.spec, Spec::Tenant(_)) && resource.id.name == tenant.as_str()) {
        return Ok(None);
    }
    let key = Directory::id_of(&tenant);
    let identities = fact::identities(&context.store).await?;
    let read = identities.get(&tenant).map(|identity| identity.directory_id.clone());
    let former = stored.get(&key).and_then(|resource| directory(&resource.spec)).cloned();
    let (directory, former) = match (read, former) {
        (None, _) => return Err(not_confirmable(&name, "its directory has not been read yet")),
        (Some(_), None) => return Err(not_confirmable(&name, "no directory was pinned before")),
        (Some(read), Some(former)) if read == former => {
            return Err(not_confirmable(&name, &format!("it is directory {former}, as before")));
        }
        (Some(read), Some(former)) => (read, former),
    };
    if !expected.is_empty() && directory != DirectoryId::from(expected) {
        return Err(not_confirmable(&name, &format!("the directory that was read last is {directory}")));
    }
    let other = identities.iter().find(|(name, one)| **name != tenant && one.directory_id == directory);
    if let Some((other, _)) = other {
        return Err(not_confirmable(
            &name,
            &format!("directory {directory} is Tenant {} already: a directory belongs to one Tenant", names.name(other)),
        ));
    }
    let operation = Operation { actor, verb: "confirm", now: context.clock.now() };
    let default_domain = identities.get(&tenant).and_then(|identity| identity.default_domain.clone());
    let wanted = [(key, Spec::Directory(Directory { id: directory.clone(), default_domain }))].into();
    let revision = revision::store(&mut tx, operation, &stored, &wanted).await?;
    tx.commit().await?;
    publish::pending(context).await?;
    Ok(Some(Confirmed { revision, directory, former }))
}

fn not_confirmable(tenant: &TenantName, why: &str) -> Error {
    Error::Refused(vec![Problem { place: None, message: format!("nothing to confirm of Tenant {tenant}: {why}") }])
}
