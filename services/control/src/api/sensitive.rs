//! Sensitive attributes: their values are not shown.

use std::collections::BTreeSet;

use xtsync_contract::control::ShownLink;
use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::mapping;
use xtsync_domain::resource::Synchronization;

/// Leaves the values of sensitive attributes out of a link, and names them instead. Tenants are named by their keys.
pub(super) fn redact(shown: &mut ShownLink, configuration: &Configuration) {
    let (Ok(source), Ok(target)) = (TenantName::new(&shown.source), TenantName::new(&shown.target)) else { return };
    let Some(synchronization) = configuration.synchronization(&source, &target) else { return };
    let sensitive: BTreeSet<&String> = targets(&synchronization.spec).collect();
    let Some(link) = &mut shown.link else { return };
    // What the provisioner alone needs may hold any of them.
    link.recovery.clear();
    let shape = link.desired.as_mut().and_then(|desired| desired.shape.as_mut());
    let wanted = shape.into_iter().flat_map(|shape| [&mut shape.attributes, &mut shape.on_create]);
    let written = link.applied.as_mut().map(|applied| &mut applied.attributes);
    for attributes in wanted.chain(written) {
        attributes.retain(|name, _| !sensitive.contains(name));
    }
    shown.sensitive = sensitive.into_iter().cloned().collect();
}

/// The source attributes that some sensitive mapping of a source reads.
pub(super) fn sources(configuration: &Configuration, source: &TenantName) -> Vec<String> {
    let mappings = configuration.synchronizations_from(source).flat_map(|one| one.spec.mappings.values());
    let read: BTreeSet<String> = mappings.filter(|mapping| mapping.sensitive).flat_map(mapping::reads).collect();
    read.into_iter().collect()
}

/// The target attributes of sensitive mappings.
fn targets(synchronization: &Synchronization) -> impl Iterator<Item = &String> {
    synchronization.mappings.iter().filter(|(_, mapping)| mapping.sensitive).map(|(name, _)| name)
}
