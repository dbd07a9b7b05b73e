//! Renames a tenant: stores the name that administrators write and read from then on, as a revision. The key stays (see [`Names`]).

use xtsync_domain::TenantName;
use xtsync_domain::resource::{Kind, Rename, Spec};

use crate::actor::{Actor, Operation};
use crate::context::Context;
use crate::names::Names;
use crate::problem::Problem;
use crate::resources::{self, StoredResources};
use crate::revision;
use crate::{Error, publish};

/// The result of a rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// The newest revision.
    pub(crate) revision: u64,
    /// The tenant's key.
    pub(crate) key: TenantName,
    /// Whether the tenant had another name before.
    pub(crate) is_changed: bool,
}

/// Gives the tenant named `from` the name `to`; `None` if there is no such tenant.
///
/// # Errors
/// [`Error::Refused`] if the name is invalid or belongs to another tenant, as its name or its key. Otherwise as
/// [`apply`](crate::apply::apply).
pub(crate) async fn rename(context: &Context, from: &str, to: &str, actor: Actor<'_>) -> Result<Option<Renamed>, Error> {
    let to = TenantName::new(to).map_err(|invalid| refused(invalid.to_string()))?;
    let _guard = context.revision_lock.lock().await;
    let mut tx = context.fence()?.begin().await?;
    let stored = resources::read_in(&mut tx).await?;
    let names = Names::of(stored.values());
    let Ok(from) = TenantName::new(from) else { return Ok(None) };
    let key = names.key(&from)?;
    if !keys(&stored).any(|known| known == key) {
        return Ok(None);
    }
    check_free(&stored, &names, &key, &to)?;
    let is_changed = *names.name(&key) != to;
    let operation = Operation { actor, verb: "rename", now: context.clock.now() };
    let wanted = if is_changed { [(Rename::id_of(&key), Spec::Rename(Rename { name: to }))].into() } else { [].into() };
    let revision = revision::store(&mut tx, operation, &stored, &wanted).await?;
    tx.commit().await?;
    publish::pending(context).await?;
    Ok(Some(Renamed { revision, key, is_changed }))
}

/// Checks that no other tenant has the name, as its name or its key. So a text means one tenant, and a tenant may take its key back.
fn check_free(stored: &StoredResources, names: &Names, key: &TenantName, to: &TenantName) -> Result<(), Error> {
    for other in keys(stored).filter(|other| other != key) {
        if names.name(&other) == to {
            return Err(refused(format!("there is a Tenant '{to}' already")));
        }
        if other == *to {
            return Err(refused(format!("'{to}' is the key of Tenant '{}'", names.name(&other))));
        }
    }
    Ok(())
}

fn keys(stored: &StoredResources) -> impl Iterator<Item = TenantName> {
    stored.keys().filter(|id| id.kind == Kind::Tenant).filter_map(|id| id.tenant.clone())
}

fn refused(message: String) -> Error {
    Error::Refused(vec![Problem { place: None, message }])
}
