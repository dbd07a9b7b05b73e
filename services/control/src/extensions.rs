//! Directory extensions: what is derived of the detector's readings, and which synchronizations wait for them.
//!
//! A tenant's extensions become a resource of their own as soon as they were read, and again when they differ, so that the types of mappings
//! follow from the configuration alone.

use std::collections::BTreeMap;

use xtsync_contract::control::{ConditionCode as Code, Notice, Pending};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::configuration::validate::{extension_problems, unread_extensions};
use xtsync_domain::extension::Extensions;
use xtsync_domain::resource::{DirectoryExtensions, Id, Spec, Synchronization};

use crate::condition::condition;

/// Returns the resources that follow of the newest readings, of the tenants that are in force.
pub(crate) fn derived(in_force: &BTreeMap<Id, Spec>, read: &BTreeMap<TenantName, Extensions>) -> BTreeMap<Id, Spec> {
    let tenants = in_force.iter().filter(|(_, spec)| spec.tenant().is_some()).filter_map(|(id, _)| id.tenant.as_ref());
    let known = tenants.filter_map(|tenant| Some((DirectoryExtensions::id_of(tenant), read.get(tenant)?)));
    known.map(|(id, read)| (id.clone(), Spec::DirectoryExtensions(DirectoryExtensions::after(of(in_force, &id), read)))).collect()
}

/// Returns the extensions of a tenant, by the id of their resource.
pub(crate) fn of<'a>(in_force: &'a BTreeMap<Id, Spec>, id: &Id) -> Option<&'a DirectoryExtensions> {
    in_force.get(id)?.directory_extensions()
}

/// Returns the fields of a synchronization whose extensions are not read yet, or that an administrator must correct since they are.
pub(crate) fn pending(id: &Id, synchronization: &Synchronization, configuration: &Configuration) -> Vec<Pending> {
    let unread = unread_extensions(id, synchronization, configuration).into_iter().map(|(path, tenant)| {
        let condition = condition(Code::ExtensionsNotRead, &[("tenant", &tenant)]);
        Pending { path, condition: Some(condition), needs_action: false }
    });
    let refused = extension_problems(id, synchronization, configuration).into_iter().map(|problem| {
        let condition = condition(Code::ExtensionRefused, &[("reason", &problem.message)]);
        Pending { path: problem.path, condition: Some(condition), needs_action: true }
    });
    unread.chain(refused).collect()
}

/// Returns a notice for each extension that a synchronization in force names and that is gone. It stops nothing.
pub(crate) fn notices(id: &Id, synchronization: &Synchronization, configuration: &Configuration) -> Vec<Notice> {
    let pending = pending(id, synchronization, configuration).into_iter();
    pending.map(|Pending { path, condition, needs_action }| Notice { path, condition, needs_action }).collect()
}
