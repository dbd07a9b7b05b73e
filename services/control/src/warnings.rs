//! Warnings: conditions of tenants that need attention and do not prevent convergence. The status lists them, and so does each Tenant.

use std::collections::BTreeMap;

use xtsync_contract::control::Notice;
use xtsync_domain::configuration::Configuration;
use xtsync_domain::fact::Identity;
use xtsync_domain::identity::{Fault, fault, sharers};
use xtsync_domain::{DirectoryId, TenantName};

use crate::names::Names;

/// The identity of each tenant that the detector has read.
pub(crate) type Identities = BTreeMap<TenantName, Identity>;

/// Returns the warnings about one tenant, as texts.
pub(crate) fn of_tenant(tenant: &TenantName, configuration: &Configuration, identities: &Identities, names: &Names) -> Vec<String> {
    let Some(resource) = configuration.tenant(tenant) else { return Vec::new() };
    let mut warnings = Vec::new();
    if !configuration.is_listed(tenant) {
        let organization = &resource.organization;
        warnings.push(format!("Organization {organization} does not list it: it is not read, and nothing is written for it"));
    }
    warnings.extend(directory(tenant, configuration, identities, names));
    warnings
}

/// Returns the warnings about one tenant, as notices.
pub(crate) fn notices(tenant: &TenantName, configuration: &Configuration, identities: &Identities, names: &Names) -> Vec<Notice> {
    let notice = |text| Notice { path: "spec".to_owned(), text, needs_action: true };
    of_tenant(tenant, configuration, identities, names).into_iter().map(notice).collect()
}

/// Returns the warnings about all tenants, each with the tenant's name.
pub(crate) fn all(configuration: &Configuration, identities: &Identities, names: &Names) -> Vec<String> {
    let of_one = |tenant| {
        let warnings = of_tenant(tenant, configuration, identities, names);
        warnings.into_iter().map(move |warnings| format!("Tenant {}: {warnings}", names.name(tenant)))
    };
    configuration.tenants().flat_map(|(tenant, _)| of_one(tenant)).collect()
}

fn directory(tenant: &TenantName, configuration: &Configuration, identities: &Identities, names: &Names) -> Option<String> {
    let read = |name: &TenantName| read(identities, name);
    Some(match fault(tenant, configuration, read)? {
        Fault::Changed => {
            let (now, before) = (read(tenant)?, configuration.directory(tenant)?);
            format!(
                "its domain leads to directory {now} instead of {before}: nothing is read or written until the domain is corrected, or \
                 `xtsync tenant confirm {}` confirms that it moved",
                names.name(tenant)
            )
        }
        Fault::Shared => {
            let others: Vec<&str> = sharers(tenant, configuration, read).map(|other| names.name(other).as_str()).collect();
            let id = read(tenant).or_else(|| configuration.directory(tenant))?;
            format!("Tenant {} is the same directory, {id}: nothing is written for either until only one names it", others.join(", "))
        }
    })
}

fn read<'a>(identities: &'a Identities, tenant: &TenantName) -> Option<&'a DirectoryId> {
    identities.get(tenant).map(|identity| &identity.directory_id)
}
