//! What the configuration needs of a tenant's directory; control publishes it as the tenant's derived `Projection`.

use std::collections::BTreeMap;

use crate::TenantName;
use crate::configuration::Configuration;
use crate::resource::{GroupRef, Id, Kind, Projection, Resource, Spec};

/// What every decision reads besides the mapped attributes: whether he may sign in, and by which address he is invited.
const ALWAYS: [&str; 3] = ["accountEnabled", "mail", "userPrincipalName"];

/// The id of a tenant's derived projection.
#[must_use]
pub fn id(tenant: &TenantName) -> Id {
    Id { kind: Kind::Projection, tenant: Some(tenant.clone()), name: "projection".to_owned() }
}

/// What all synchronizations out of a tenant need of it; nothing where there are none.
#[must_use]
pub fn needs(wanted: &BTreeMap<Id, Spec>, tenant: &TenantName) -> Projection {
    let resources = wanted.iter().map(|(id, spec)| Resource { id: id.clone(), revision: 0, spec: spec.clone() });
    let configuration = Configuration::new(0, resources);
    let mut projection = Projection::default();
    for synchronization in configuration.synchronizations_from(tenant) {
        projection.attributes.extend(ALWAYS.map(str::to_owned));
        projection.attributes.extend(synchronization.rules.reads().map(str::to_owned));
        let scope = &synchronization.spec.scope;
        projection.everyone |= scope.everyone;
        for group in &scope.groups {
            match group {
                GroupRef::Pinned(group) => projection.groups.insert(group.id.clone()),
                GroupRef::Named(name) => projection.unresolved.insert(name.clone()),
            };
        }
        projection.nested.extend(scope.groups.iter().filter(|_| scope.nested).filter_map(GroupRef::id).cloned());
    }
    projection
}
