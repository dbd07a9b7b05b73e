//! Lists resources with their status.

use std::collections::BTreeMap;

use xtsync_contract::control::{Condition, ConditionCode as Code, Notice, Pending, ResourceStatus};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::resolution::{Known, Name, as_written};
use xtsync_domain::resource::{GroupRef, Id, Kind, Resource, Spec, Synchronization};
use xtsync_store::{Error, Store};

use crate::condition::condition;
use crate::extensions;
use crate::names::Names;
use crate::notices::{self, shown};
use crate::plan::{Lookup, Plan};
use crate::resources::{self, StoredResources};
use crate::view::fact;
use crate::{resolve, warnings};

/// The state of what one synchronization names: groups, and directory extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResolutionStatus {
    /// The fields with unresolved names or extensions.
    pub(crate) pending: Vec<Pending>,
    /// What stays in force while names are pending; `None` if none is pending.
    pub(crate) in_force: Option<Condition>,
    /// The groups that its names were resolved to.
    pub(crate) resolved: Vec<String>,
    /// Notices about those groups, and about extensions that are gone.
    pub(crate) notices: Vec<Notice>,
}

/// Computes the state of the name resolution of synchronizations.
pub(crate) struct NameResolutions<'a> {
    plan: Plan,
    lookup: Lookup,
    stored: &'a StoredResources,
    names: &'a Names,
    /// The stored resources with the names of tenants.
    named: Configuration,
}

impl<'a> NameResolutions<'a> {
    pub(crate) async fn read(store: &Store, stored: &'a StoredResources, names: &'a Names) -> Result<Self, Error> {
        let facts = fact::groups(store).await?;
        let named = stored.values().map(|resource| {
            let (id, spec) = names.named(&resource.id, &resource.spec);
            Resource { id, revision: resource.revision, spec }
        });
        Ok(Self { plan: Plan::of(stored), lookup: resolve::lookup(&facts, stored), stored, names, named: Configuration::new(0, named) })
    }

    /// Returns the state of one synchronization's name resolution.
    pub(crate) fn of(&self, id: &Id) -> ResolutionStatus {
        let (Some(in_force), Some(source)) = (self.plan.synchronization(id), &id.tenant) else { return ResolutionStatus::default() };
        let nothing = Known::default();
        let known = self.lookup.get(source).unwrap_or(&nothing);
        let source = self.names.name(source);
        let waiting = self.plan.pending.get(id);
        let (fields, gone) = self.extensions(id, waiting.unwrap_or(in_force), waiting.is_some());
        let mut pending = pending(waiting.unwrap_or(in_force), known, source);
        pending.extend(fields);
        let revision = self.stored.get(id).map_or(0, |resource| resource.revision);
        let stays = match waiting {
            _ if pending.is_empty() => None,
            Some(_) => Some(condition(Code::FormerRevisionInForce, &[("revision", &revision), ("scope", &scope(in_force))])),
            None => Some(condition(Code::NothingInForce, &[])),
        };
        let resolved = in_force.scope.groups.iter().filter_map(shown).collect();
        let notices = notices::of(in_force, known, source).into_iter().chain(gone).collect();
        ResolutionStatus { pending, in_force: stays, resolved, notices }
    }

    /// Returns the fields that wait for extensions, and notices about extensions that are gone since a spec is in force.
    fn extensions(&self, id: &Id, synchronization: &Synchronization, is_waiting: bool) -> (Vec<Pending>, Vec<Notice>) {
        let (named, spec) = self.names.named(id, &Spec::Synchronization(synchronization.clone()));
        let Spec::Synchronization(spec) = &spec else { return Default::default() };
        match is_waiting || !self.plan.is_resolved(id, synchronization) {
            true => (extensions::pending(&named, spec, &self.named), Vec::new()),
            false => (Vec::new(), extensions::notices(&named, spec, &self.named)),
        }
    }
}

/// Lists every stored resource but renames, in order of the ids. A renamed Tenant has its name and its key.
pub(crate) async fn list(store: &Store) -> Result<Vec<ResourceStatus>, Error> {
    let stored = resources::read(store).await?;
    let names = Names::of(stored.values());
    let resolutions = NameResolutions::read(store, &stored, &names).await?;
    let configuration = Configuration::new(0, stored.values().cloned());
    let directories = warnings::directories(&configuration, &fact::identities(store).await?);
    let of_tenant = |resource: &Resource| match (&resource.spec, TenantName::new(&resource.id.name)) {
        (Spec::Tenant(_), Ok(tenant)) => warnings::notices(&tenant, &configuration, &directories, &names),
        (_, _) => Vec::new(),
    };
    let with_notices = |resource: &Resource| {
        let mut status = status(&resolutions, resource)?;
        status.notices.extend(of_tenant(resource));
        Ok(status)
    };
    let shown = stored.values().filter(|resource| resource.id.kind != Kind::Rename);
    let shown: BTreeMap<Id, &Resource> = shown.map(|resource| (names.named(&resource.id, &resource.spec).0, resource)).collect();
    shown.into_values().map(with_notices).collect()
}

fn status(resolutions: &NameResolutions<'_>, resource: &Resource) -> Result<ResourceStatus, Error> {
    let ResolutionStatus { pending, in_force, resolved, notices } = resolutions.of(&resource.id);
    let names = resolutions.names;
    let written = resolutions.plan.pending.get(&resource.id).map(|written| Spec::Synchronization(written.clone()));
    let written = written.map(|written| text(&names.named(&resource.id, &written).1));
    let (id, spec) = names.named(&resource.id, &resource.spec);
    let is_renamed = id.kind == Kind::Tenant && id != resource.id;
    Ok(ResourceStatus {
        id: id.to_string(),
        revision: resource.revision,
        spec_json: text(&spec)?,
        key: if is_renamed { resource.id.name.clone() } else { String::new() },
        pending,
        resolved,
        pending_json: written.transpose()?.unwrap_or_default(),
        in_force,
        notices,
    })
}

fn text(spec: &Spec) -> Result<String, Error> {
    String::from_utf8(spec.to_json()).map_err(|error| Error::Corrupt(error.to_string()))
}

/// Describes the scope of a synchronization in short.
fn scope(synchronization: &Synchronization) -> String {
    match synchronization.scope.everyone {
        true => "everyone".to_owned(),
        false => synchronization.scope.groups.iter().filter_map(shown).collect::<Vec<_>>().join(", "),
    }
}

/// Returns the unresolved names of a synchronization, each with the reason.
fn pending(synchronization: &Synchronization, known: &Known, source: &TenantName) -> Vec<Pending> {
    let mut pending = Vec::new();
    for (index, group) in synchronization.scope.groups.iter().enumerate() {
        let GroupRef::Named(name) = group else { continue };
        let condition = match known.name(name) {
            Name::Unknown => condition(Code::GroupNotSeen, &[("group", name)]),
            Name::None => condition(Code::GroupNotSeen, &[("group", name), ("tenant", source)]),
            // It is found, and in force with the next revision.
            Name::One(_) => condition(Code::GroupNotSeen, &[("group", name)]),
            Name::Several(ids) => {
                let (count, others) = (ids.len(), as_written(&ids));
                condition(Code::GroupAmbiguous, &[("group", name), ("tenant", source), ("count", &count), ("others", &others)])
            }
        };
        let needs_action = condition.code() == Code::GroupAmbiguous;
        pending.push(Pending { path: format!("spec.scope.groups[{index}]"), condition: Some(condition), needs_action });
    }
    pending
}

/// Returns the groups that were not found yet. An ambiguous name is left out, because only an administrator can resolve it.
pub(crate) fn unresolved(names: &[(String, ResolutionStatus)]) -> Vec<Condition> {
    let of_one = |(name, status): &(String, ResolutionStatus)| {
        let waited_for = status.pending.iter().filter(|pending| !pending.needs_action).filter_map(|pending| pending.condition.clone());
        let named = waited_for.map(|mut condition| {
            condition.parameters.insert("synchronization".to_owned(), name.clone());
            condition
        });
        named.collect::<Vec<_>>()
    };
    names.iter().flat_map(of_one).collect()
}
