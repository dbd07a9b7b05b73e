//! What the configuration needs of a tenant's directory; control publishes it as the tenant's derived resources.

use std::collections::BTreeMap;

use crate::TenantName;
use crate::configuration::Configuration;
use crate::mapping;
use crate::resource::{GroupRef, Id, Kind, NameResolution, Projection, Synchronization};
use crate::scope;

/// The attributes that every decision reads besides the mapped ones: the sign-in state, and the address to invite.
const ALWAYS: [&str; 3] = ["accountEnabled", "mail", "userPrincipalName"];

/// The id of a tenant's derived projection.
#[must_use]
pub fn id(tenant: &TenantName) -> Id {
    Id { kind: Kind::Projection, tenant: Some(tenant.clone()), name: "projection".to_owned() }
}

/// The id of a tenant's derived name resolution.
#[must_use]
pub fn name_resolution_id(tenant: &TenantName) -> Id {
    Id { kind: Kind::NameResolution, tenant: Some(tenant.clone()), name: "groups".to_owned() }
}

/// What all synchronizations out of a tenant need of it; nothing where there are none.
#[must_use]
pub fn needs(configuration: &Configuration, tenant: &TenantName) -> Projection {
    let mut projection = Projection::default();
    for synchronization in configuration.synchronizations_from(tenant) {
        projection.attributes.extend(ALWAYS.map(str::to_owned));
        projection.attributes.extend(mapping::of(configuration, tenant, &synchronization.spec).reads().map(str::to_owned));
        let scope = &synchronization.spec.scope;
        projection.attributes.extend(scope::compile(scope, &configuration.attributes(tenant)).reads().map(str::to_owned));
        projection.everyone |= scope.everyone;
        projection.groups.extend(scope.groups.iter().filter_map(GroupRef::id).cloned());
        projection.nested.extend(scope.groups.iter().filter(|_| scope.nested).filter_map(GroupRef::id).cloned());
    }
    projection
}

/// Which names are to be looked up in a tenant: those in force and those in what waits for them.
#[must_use]
pub fn name_resolution(configuration: &Configuration, pending: BTreeMap<String, Synchronization>, tenant: &TenantName) -> NameResolution {
    let in_force = configuration.synchronizations_from(tenant).map(|synchronization| &synchronization.spec);
    let names = in_force.chain(pending.values()).flat_map(|synchronization| synchronization.scope.names()).map(str::to_owned).collect();
    NameResolution { names, pending }
}
