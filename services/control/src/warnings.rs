//! Warnings: conditions of tenants that need attention and do not prevent convergence. The status lists them, and so does each Tenant.

use std::collections::BTreeMap;

use xtsync_contract::control::{Condition, ConditionCode as Code, Notice};
use xtsync_domain::TenantName;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::fact::Identity;
use xtsync_domain::identity::{Directories, Fault};

use crate::condition::condition;
use crate::names::Names;

/// The identity of each tenant that the detector has read.
pub(crate) type Identities = BTreeMap<TenantName, Identity>;

/// Returns the warnings about one tenant.
fn of_tenant(tenant: &TenantName, configuration: &Configuration, directories: &Directories, names: &Names) -> Vec<Condition> {
    let Some(resource) = configuration.tenant(tenant) else { return Vec::new() };
    let mut warnings = Vec::new();
    if !configuration.is_listed(tenant) {
        warnings.push(condition(Code::TenantNotListed, &[("tenant", names.name(tenant)), ("organization", &resource.organization)]));
    }
    warnings.extend(directory(tenant, configuration, directories, names));
    warnings
}

/// Returns the warnings about one tenant, as notices.
pub(crate) fn notices(tenant: &TenantName, configuration: &Configuration, directories: &Directories, names: &Names) -> Vec<Notice> {
    let notice = |condition| Notice { path: "spec".to_owned(), condition: Some(condition), needs_action: true };
    of_tenant(tenant, configuration, directories, names).into_iter().map(notice).collect()
}

/// Returns the warnings about all tenants.
pub(crate) fn all(configuration: &Configuration, directories: &Directories, names: &Names) -> Vec<Condition> {
    configuration.tenants().flat_map(|(tenant, _)| of_tenant(tenant, configuration, directories, names)).collect()
}

fn directory(tenant: &TenantName, configuration: &Configuration, directories: &Directories, names: &Names) -> Option<Condition> {
    let (name, id) = (names.name(tenant), directories.id(tenant)?);
    Some(match directories.fault(tenant)? {
        Fault::Changed => {
            let before = configuration.directory(tenant)?;
            condition(Code::DirectoryChanged, &[("tenant", name), ("directory", id), ("former_directory", before)])
        }
        Fault::Shared => {
            let others: Vec<&str> = directories.sharers(tenant).map(|other| names.name(other).as_str()).collect();
            condition(Code::DirectoryShared, &[("tenant", name), ("directory", id), ("others", &others.join(", "))])
        }
    })
}

/// Returns which directory each tenant is.
pub(crate) fn directories(configuration: &Configuration, identities: &Identities) -> Directories {
    Directories::of(configuration, |tenant| identities.get(tenant).map(|identity| &identity.directory_id))
}
