//! The plan: the resources in force, and the synchronizations that wait for group names or directory extensions to be known. The rows hold
//! both; a revision is the step from one plan to the next.
//!
//! A synchronization with an unresolved name, or with an extension that is not read yet or does not fit, is pending as a whole: its last resolved spec stays in force. If it was never resolved, it is
//! in force as written, and policy decides no user by it. The next plan depends only on the stored rows and the known facts, so it can
//! be computed at any time.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::configuration::validate::Proposal;
use xtsync_domain::configuration::{Configuration, needs, validate};
use xtsync_domain::extension::Extensions;
use xtsync_domain::fact::Identity;
use xtsync_domain::mapping::{self, AttributeTable, Tables};
use xtsync_domain::resolution::{self, Known};
use xtsync_domain::resource::{DirectoryExtensions, Id, Kind, Resource, Spec, Synchronization};
use xtsync_domain::{TenantName, scope};

use crate::extensions;
use crate::resources::StoredResources;

/// The known facts about the groups of each source.
pub(crate) type Lookup = BTreeMap<TenantName, Known>;

/// The resources in force, and the synchronizations that wait for names or extensions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// Every resource in force, including the derived ones as they are stored.
    pub(crate) in_force: BTreeMap<Id, Spec>,
    /// The newest written spec of each synchronization whose written spec is not in force yet.
    pub(crate) pending: BTreeMap<Id, Synchronization>,
}

impl Plan {
    /// Reads the plan from the stored resources.
    pub(crate) fn of(stored: &StoredResources) -> Self {
        let in_force = stored.iter().map(|(id, resource)| (id.clone(), resource.spec.clone())).collect();
        let mut pending = BTreeMap::new();
        for resource in stored.values() {
            let (Spec::NameResolution(resolution), Some(tenant)) = (&resource.spec, &resource.id.tenant) else { continue };
            pending.extend(resolution.pending.iter().map(|(name, written)| (id(tenant, name), written.clone())));
        }
        Self { in_force, pending }
    }

    /// Adds or replaces a resource. With `refresh_names` its group names are resolved again; otherwise resolved names keep their groups.
    pub(crate) fn write(&mut self, id: &Id, spec: &Spec, lookup: &Lookup, refresh_names: bool) {
        let Spec::Synchronization(written) = spec else {
            self.in_force.insert(id.clone(), spec.clone());
            return;
        };
        let before = self.synchronization(id);
        let written = if refresh_names { written.clone() } else { resolution::retain_ids(before, written) };
        let resolved = resolve(id, &written, lookup);
        let was_resolved = before.is_some_and(|before| self.is_resolved(id, before));
        self.pending.remove(id);
        if was_resolved && !self.is_resolved(id, &resolved) {
            self.pending.insert(id.clone(), written);
        } else {
            self.in_force.insert(id.clone(), Spec::Synchronization(resolved));
        }
    }

    /// Takes over which directory extensions were read of tenants.
    pub(crate) fn note_extensions(&mut self, read: &BTreeMap<TenantName, Extensions>) {
        let derived = extensions::derived(&self.in_force, read);
        self.in_force.extend(derived);
    }

    /// Takes over the default domains of tenants, as far as they were read of the directories that they are.
    pub(crate) fn note_default_domains(&mut self, read: &BTreeMap<TenantName, Identity>) {
        for (id, spec) in &mut self.in_force {
            let identity = id.tenant.as_ref().and_then(|tenant| read.get(tenant));
            if let (Spec::Directory(directory), Some(identity)) = (spec, identity)
                && directory.id == identity.directory_id
            {
                directory.default_domain.clone_from(&identity.default_domain);
            }
        }
    }

    /// Whether all that a synchronization names is known, and extensions fit where they are mapped.
    pub(crate) fn is_resolved(&self, id: &Id, synchronization: &Synchronization) -> bool {
        let table = |tenant: &TenantName| AttributeTable::new(extensions::of(&self.in_force, &DirectoryExtensions::id_of(tenant)));
        let source = id.tenant.as_ref().map_or_else(AttributeTable::default, table);
        let tables = Tables { source, target: table(&synchronization.to) };
        scope::is_resolved(&synchronization.scope, &tables.source) && mapping::is_resolved(&synchronization.mappings, &tables)
    }

    /// Returns the next plan with the known facts: every synchronization whose names all resolve is in force.
    pub(crate) fn resolved(&self, lookup: &Lookup) -> Self {
        let mut next = self.clone();
        for (id, spec) in &mut next.in_force {
            if let Spec::Synchronization(synchronization) = spec {
                *synchronization = resolve(id, synchronization, lookup);
            }
        }
        let ready = self.pending.iter().map(|(id, written)| (id.clone(), resolve(id, written, lookup)));
        let ready: Vec<(Id, Synchronization)> = ready.filter(|(id, resolved)| next.is_resolved(id, resolved)).collect();
        // The pending specs were validated together. If they are not valid together now, each is tried alone.
        match next.with(ready.clone()) {
            Some(all) => all,
            None => ready.into_iter().fold(next, |plan, one| plan.with(vec![one]).unwrap_or(plan)),
        }
    }

    /// Returns the plan with these pending synchronizations in force; `None` if that plan is invalid.
    fn with(&self, ready: Vec<(Id, Synchronization)>) -> Option<Self> {
        let mut plan = self.clone();
        let written: BTreeSet<Id> = ready.iter().map(|(id, _)| id.clone()).collect();
        for (id, resolved) in ready {
            plan.pending.remove(&id);
            plan.in_force.insert(id, Spec::Synchronization(resolved));
        }
        let identities = BTreeMap::new();
        // Only synchronizations change here. Connector sections were validated at the apply.
        let (standing, wanted) = (&self.in_force, &plan.in_force);
        let proposal = Proposal { standing, wanted, written: &written, identities: &identities, describe: &|_| None };
        let is_valid = validate::problems(&proposal).is_empty();
        is_valid.then_some(plan)
    }

    /// Whether any synchronization waits for names or extensions.
    pub(crate) fn has_unresolved(&self) -> bool {
        let is_unresolved = |(id, spec): (&Id, &Spec)| {
            let Spec::Synchronization(synchronization) = spec else { return false };
            !self.is_resolved(id, synchronization)
        };
        !self.pending.is_empty() || self.in_force.iter().any(is_unresolved)
    }

    /// Returns the newest written spec of every resource.
    pub(crate) fn as_written(&self) -> BTreeMap<Id, Spec> {
        let pending = self.pending.iter().map(|(id, written)| (id.clone(), Spec::Synchronization(written.clone())));
        self.in_force.clone().into_iter().chain(pending).collect()
    }

    /// Returns the resources to store: those in force, and the derived Projection and NameResolution of each source.
    pub(crate) fn stored(self) -> BTreeMap<Id, Spec> {
        let Self { mut in_force, pending } = self;
        let resources = in_force.iter().map(|(id, spec)| Resource { id: id.clone(), revision: 0, spec: spec.clone() });
        let configuration = Configuration::new(0, resources);
        let mut pending_from: BTreeMap<TenantName, BTreeMap<String, Synchronization>> = BTreeMap::new();
        for (Id { tenant, name, .. }, written) in pending {
            tenant.and_then(|source| pending_from.entry(source).or_default().insert(name, written));
        }
        for source in configuration.sources() {
            let names = needs::name_resolution(&configuration, pending_from.remove(source).unwrap_or_default(), source);
            in_force.insert(needs::id(source), Spec::Projection(needs::needs(&configuration, source)));
            in_force.insert(needs::name_resolution_id(source), Spec::NameResolution(names));
        }
        in_force
    }

    /// Returns a synchronization that is in force.
    pub(crate) fn synchronization(&self, id: &Id) -> Option<&Synchronization> {
        self.in_force.get(id)?.synchronization()
    }
}

fn resolve(id: &Id, written: &Synchronization, lookup: &Lookup) -> Synchronization {
    match id.tenant.as_ref().and_then(|source| lookup.get(source)) {
        Some(known) => resolution::resolve(written, known),
        None => written.clone(),
    }
}

fn id(tenant: &TenantName, name: &str) -> Id {
    Id { kind: Kind::Synchronization, tenant: Some(tenant.clone()), name: name.to_owned() }
}

#[cfg(test)]
mod tests;
