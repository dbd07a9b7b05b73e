//! Resources with what became of them.

use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::resource::{GroupRef, Resource, Spec, Synchronization};
use xtsync_platform::store::{Error, Store};
use xtsync_proto::v1::{Pending, ResourceStatus};

use crate::pins::Name;
use crate::resources;
use crate::view::fact;

/// Lists every resource that stands, by id.
pub(crate) async fn list(store: &Store) -> Result<Vec<ResourceStatus>, Error> {
    let mut list = Vec::new();
    for resource in resources::read(store).await?.values() {
        list.push(status(store, resource).await?);
    }
    Ok(list)
}

async fn status(store: &Store, resource: &Resource) -> Result<ResourceStatus, Error> {
    let (mut pending, mut resolved) = (Vec::new(), Vec::new());
    if let (Spec::Synchronization(synchronization), Some(source)) = (&resource.spec, &resource.id.tenant) {
        pending = unresolved(store, source, synchronization).await?;
        resolved = synchronization.scope.groups.iter().filter_map(shown).collect();
    }
    let spec_json = String::from_utf8(resource.spec.to_json()).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(ResourceStatus { id: resource.id.to_string(), revision: resource.revision, spec_json, pending, resolved })
}

/// A pinned group as people know it: `GlobalEmployees (7c1e…)`.
fn shown(group: &GroupRef) -> Option<String> {
    const SHOWN: usize = 4;
    let GroupRef::Pinned(group) = group else { return None };
    let id = group.id.as_str();
    let short = id.char_indices().nth(SHOWN).map_or(id.to_owned(), |(end, _)| format!("{}…", &id[..end]));
    Some(match &group.name {
        Some(name) => format!("{name} ({short})"),
        None => id.to_owned(),
    })
}

/// The names of a synchronization that are not pinned yet, each with why.
async fn unresolved(store: &Store, source: &TenantName, synchronization: &Synchronization) -> Result<Vec<Pending>, Error> {
    let mut pending = Vec::new();
    for (index, group) in synchronization.scope.groups.iter().enumerate() {
        let GroupRef::Named(name) = group else { continue };
        let known = Name::of(fact::group_name(store, source, name).await?);
        let reason = known.trouble(name, source).unwrap_or_else(|| format!("group {name} is being pinned"));
        pending.push(Pending { path: format!("spec.scope.groups[{index}]"), reason, stuck: matches!(known, Name::Several(_)) });
    }
    Ok(pending)
}

/// The groups that have not been seen yet, in words. An ambiguous one is a person's to settle, so it is not among them.
pub(crate) async fn unseen(store: &Store, configuration: &Configuration) -> Result<Vec<String>, Error> {
    let mut unseen = Vec::new();
    for synchronization in configuration.synchronizations() {
        let pending = unresolved(store, &synchronization.source, &synchronization.spec).await?;
        let waited_for = pending.into_iter().filter(|pending| !pending.stuck);
        unseen.extend(waited_for.map(|pending| format!("{}: {}", synchronization.name, pending.reason)));
    }
    Ok(unseen)
}
