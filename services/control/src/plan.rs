//! What is in force, and what was written and waits for names: both stand in the rows, and a revision is the step from one to the next.
//!
//! A synchronization whose names do not all resolve is pending as a whole: what it was resolved to last stays in force, and only where
//! there is nothing of that kind it stands as written, deciding about nobody. What comes next follows from what stands and what is known,
//! so it may be asked at any time.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::TenantName;
use xtsync_domain::configuration::validate::Proposal;
use xtsync_domain::configuration::{needs, validate};
use xtsync_domain::resolution::{self, Known};
use xtsync_domain::resource::{Id, Kind, Spec, Synchronization};

use crate::resources::StoredResources;

/// What is known of every source's groups.
pub(crate) type Lookup = BTreeMap<TenantName, Known>;

/// What is in force, and what waits for names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// Every resource as it is in force; derived ones too, as they were.
    pub(crate) in_force: BTreeMap<Id, Spec>,
    /// Synchronizations as written last, where that is not in force yet.
    pub(crate) pending: BTreeMap<Id, Synchronization>,
}

impl Plan {
    /// What stands.
    pub(crate) fn of(stored: &StoredResources) -> Self {
        let in_force = stored.iter().map(|(id, resource)| (id.clone(), resource.spec.clone())).collect();
        let mut pending = BTreeMap::new();
        for resource in stored.values() {
            let (Spec::NameResolution(resolution), Some(tenant)) = (&resource.spec, &resource.id.tenant) else { continue };
            pending.extend(resolution.pending.iter().map(|(name, written)| (id(tenant, name), written.clone())));
        }
        Self { in_force, pending }
    }

    /// Writes a resource over what stands. With `refresh_names` its names are looked up anew; else those that were resolved keep their groups.
    pub(crate) fn write(&mut self, id: &Id, spec: &Spec, lookup: &Lookup, refresh_names: bool) {
        let Spec::Synchronization(written) = spec else {
            self.in_force.insert(id.clone(), spec.clone());
            return;
        };
        let before = self.synchronization(id);
        let written = if refresh_names { written.clone() } else { resolution::retain_ids(before, written) };
        let resolved = resolve(id, &written, lookup);
        let was_resolved = before.is_some_and(|before| before.scope.is_resolved());
        self.pending.remove(id);
        if was_resolved && !resolved.scope.is_resolved() {
            self.pending.insert(id.clone(), written);
        } else {
            self.in_force.insert(id.clone(), Spec::Synchronization(resolved));
        }
    }

    /// What follows from what is known by now: whatever resolves is in force.
    pub(crate) fn resolved(&self, lookup: &Lookup) -> Self {
        let mut next = self.clone();
        for (id, spec) in &mut next.in_force {
            if let Spec::Synchronization(synchronization) = spec {
                *synchronization = resolve(id, synchronization, lookup);
            }
        }
        let ready = self.pending.iter().map(|(id, written)| (id.clone(), resolve(id, written, lookup)));
        let ready: Vec<(Id, Synchronization)> = ready.filter(|(_, resolved)| resolved.scope.is_resolved()).collect();
        // Together they were found good; one without another that still waits may not be.
        match next.with(ready.clone()) {
            Some(all) => all,
            None => ready.into_iter().fold(next, |plan, one| plan.with(vec![one]).unwrap_or(plan)),
        }
    }

    /// With pending synchronizations in force; `None` where that would be a mistake.
    fn with(&self, ready: Vec<(Id, Synchronization)>) -> Option<Self> {
        let mut plan = self.clone();
        let written: BTreeSet<Id> = ready.iter().map(|(id, _)| id.clone()).collect();
        for (id, resolved) in ready {
            plan.pending.remove(&id);
            plan.in_force.insert(id, Spec::Synchronization(resolved));
        }
        let identities = BTreeMap::new();
        // What is asked here is about synchronizations; connector sections were checked when they were applied.
        let (standing, wanted) = (&self.in_force, &plan.in_force);
        let proposal = Proposal { standing, wanted, written: &written, identities: &identities, describe: &|_| None };
        let is_valid = validate::problems(&proposal).is_empty();
        is_valid.then_some(plan)
    }

    /// Whether anything waits for names.
    pub(crate) fn has_unresolved(&self) -> bool {
        let is_unresolved = |spec: &Spec| matches!(spec, Spec::Synchronization(synchronization) if !synchronization.scope.is_resolved());
        !self.pending.is_empty() || self.in_force.values().any(is_unresolved)
    }

    /// Everything as it was written last.
    pub(crate) fn as_written(&self) -> BTreeMap<Id, Spec> {
        let pending = self.pending.iter().map(|(id, written)| (id.clone(), Spec::Synchronization(written.clone())));
        self.in_force.clone().into_iter().chain(pending).collect()
    }

    /// What is to stand: all in force, with what that needs of each source's directory and which names are to be looked up there.
    pub(crate) fn stored(self) -> BTreeMap<Id, Spec> {
        let Self { mut in_force, mut pending } = self;
        let sources = in_force.keys().filter(|id| id.kind == Kind::Synchronization).filter_map(|id| id.tenant.clone());
        for source in sources.collect::<std::collections::BTreeSet<_>>() {
            let (of_source, others) = pending.into_iter().partition(|(id, _)| id.tenant.as_ref() == Some(&source));
            pending = others;
            let of_source: BTreeMap<Id, Synchronization> = of_source;
            let of_source = of_source.into_iter().map(|(id, written)| (id.name, written)).collect();
            let names = needs::name_resolution(&in_force, of_source, &source);
            in_force.insert(needs::id(&source), Spec::Projection(needs::needs(&in_force, &source)));
            in_force.insert(needs::name_resolution_id(&source), Spec::NameResolution(names));
        }
        in_force
    }

    /// A synchronization as it is in force.
    pub(crate) fn synchronization(&self, id: &Id) -> Option<&Synchronization> {
        match self.in_force.get(id)? {
            Spec::Synchronization(synchronization) => Some(synchronization),
            Spec::Organization(_)
            | Spec::Tenant(_)
            | Spec::CrossTenantAccessPolicy(_)
            | Spec::Projection(_)
            | Spec::NameResolution(_)
            | Spec::Directory(_) => None,
        }
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
