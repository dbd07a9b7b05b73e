//! Sensitive attributes: their values are not shown.

use std::collections::BTreeSet;

use xtsync_contract::control::ShownLink;
use xtsync_domain::TenantName;
use xtsync_domain::configuration::{Configuration, NamedSynchronization};
use xtsync_domain::mapping;

/// Leaves the values of attributes that may be sensitive out of a link, and names them instead. Tenants are named by their keys.
pub(super) fn redact(shown: &mut ShownLink, configuration: &Configuration) {
    let (Ok(source), Ok(target)) = (TenantName::new(&shown.source), TenantName::new(&shown.target)) else { return };
    let Some(link) = &mut shown.link else { return };
    let may_be_shown = shown_attributes(configuration, &source, &target);
    let mut sensitive = BTreeSet::new();
    // What the provisioner alone needs may hold any of them.
    link.recovery.clear();
    let shape = link.desired.as_mut().and_then(|desired| desired.shape.as_mut());
    let wanted = shape.into_iter().flat_map(|shape| [&mut shape.attributes, &mut shape.on_create]);
    let written = link.applied.as_mut().map(|applied| &mut applied.attributes);
    for attributes in wanted.chain(written) {
        attributes.retain(|name, _| {
            let is_kept = may_be_shown.contains(name);
            if !is_kept {
                sensitive.insert(name.clone());
            }
            is_kept
        });
    }
    shown.sensitive = sensitive.into_iter().collect();
}

/// The attributes that a mapping writes now and none says is sensitive. What was written before by a mapping that is gone may have been
/// sensitive.
fn shown_attributes(configuration: &Configuration, source: &TenantName, target: &TenantName) -> BTreeSet<String> {
    let Some(NamedSynchronization { spec, .. }) = configuration.synchronization(source, target) else { return BTreeSet::new() };
    let mut written: BTreeSet<String> = mapping::of(configuration, source, spec).writes().map(str::to_owned).collect();
    for (name, _) in spec.sensitive() {
        written.remove(name);
    }
    written
}

/// The source attributes that some sensitive mapping of a source reads.
pub(super) fn sources(configuration: &Configuration, source: &TenantName) -> Vec<String> {
    let mappings = configuration.synchronizations_from(source).flat_map(|one| one.spec.sensitive());
    let read: BTreeSet<String> = mappings.flat_map(|(_, mapping)| mapping::reads(&mapping.from)).collect();
    read.into_iter().collect()
}
