//! The rules over one synchronization and the tenants it joins.

use super::{Describe, Found, filter, mappings, no_tenant};
use crate::TenantName;
use crate::configuration::Configuration;
use crate::mapping::AttributeTable;
use crate::resource::{
    GROUP_CHARS_MAX, GROUPS_MAX, GroupRef, Id, MappingSource, Rehire, SCOPE_GRACE_PERIOD_MAX, Scope, ScopeLoss, Synchronization,
};
use crate::scope;

pub(super) fn check(
    id: &Id,
    synchronization: &Synchronization,
    configuration: &Configuration,
    describe: Describe<'_>,
    found: &mut Found<'_>,
) {
    if let Some(source) = &id.tenant {
        check_target(source, &synchronization.to, configuration, describe, found);
    }
    check_scope(&synchronization.scope, found);
    if synchronization.scope_grace_period > SCOPE_GRACE_PERIOD_MAX {
        found.add("spec.scopeGracePeriod", "is longer than 30 days");
    }
    if synchronization.scope.groups.is_empty() && synchronization.limits.scope_loss == ScopeLoss::Allow {
        found.add("spec.limits.scopeLoss", "is about groups of the scope, and it names none");
    }
    let employee_id = synchronization.mappings.get(EMPLOYEE_ID).map(|mapping| &mapping.from);
    let is_mapped = employee_id.is_none_or(|from| matches!(from, MappingSource::Source(name) if name == EMPLOYEE_ID));
    if synchronization.rehire == Rehire::Restore && !is_mapped {
        found.add("spec.rehire", "restore knows a user again by `employeeId`, so that must be mapped from `employeeId`");
    }
    if let Some(source) = &id.tenant {
        mappings::check(source, &synchronization.to, &synchronization.mappings, found);
    }
}

/// By which a user is known again.
const EMPLOYEE_ID: &str = "employeeId";

fn check_target(source: &TenantName, target: &TenantName, configuration: &Configuration, describe: Describe<'_>, found: &mut Found<'_>) {
    if source == target {
        return found.add("spec.to", "a tenant cannot synchronize into itself");
    }
    let Some(tenant) = configuration.tenant(target) else {
        return found.add("spec.to", no_tenant(target));
    };
    if let Some(description) = describe(tenant).filter(|description| !description.is_writable) {
        let field = format!("{}.{}", tenant.connector.connector, description.writer_field);
        found.add("spec.to", format!("Tenant '{target}' has no `{field}`, so it cannot be written"));
    }
    if configuration.tenant(source).is_some() && !configuration.one_organization(source, target) {
        let reason = format!("'{source}' and '{target}' are not of one organization: it must list both, and both must name it");
        found.add("spec.to", reason);
    }
}

fn check_scope(scope: &Scope, found: &mut Found<'_>) {
    match (scope.everyone, scope.groups.len()) {
        (true, 1..) => found.add("spec.scope", "`everyone` and `groups` exclude each other"),
        (false, 0) => found.add("spec.scope", "is empty: name `groups`, or say `everyone: true`"),
        (false, count) if count > GROUPS_MAX => found.add("spec.scope.groups", format!("are more than {GROUPS_MAX}")),
        (true, 0) | (false, 1..) => {}
    }
    // What names a directory extension is checked beside the mappings of extensions.
    if let Some(written) = scope.filter.as_ref().filter(|_| !scope::names_extension(scope)) {
        filter::check("spec.scope.where", written, &AttributeTable::default(), found);
    }
    for (at, group) in scope.groups.iter().enumerate() {
        let path = format!("spec.scope.groups[{at}]");
        if let GroupRef::Pinned(group) = group {
            check_text(&path, &group.id.0, found);
        }
        if let Some(name) = group.name() {
            check_text(&path, name, found);
        }
    }
}

/// Characters that no directory returns and not every store keeps in a key.
fn check_text(path: &str, text: &str, found: &mut Found<'_>) {
    if text.is_empty() {
        found.add(path, "is empty");
    } else if text.contains('\0') {
        found.add(path, "has a NUL character in it");
    } else if text.chars().count() > GROUP_CHARS_MAX {
        found.add(path, format!("is longer than {GROUP_CHARS_MAX} characters"));
    }
}
