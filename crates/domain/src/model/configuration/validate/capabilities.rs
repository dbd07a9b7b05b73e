//! What a synchronization needs, and one of its directories cannot do.

use super::{Describe, Found};
use crate::TenantName;
use crate::capability::{Capabilities, ConsentSource};
use crate::configuration::Configuration;
use crate::resource::{Id, Rehire, Requirement, Synchronization};

/// A directory, and the words for it in a message.
struct Directory {
    name: String,
    can: Capabilities,
}

/// Adds each capability that is needed and missing. A tenant that does not exist, or whose section cannot be read, is reported elsewhere.
pub(super) fn check(
    id: &Id,
    synchronization: &Synchronization,
    configuration: &Configuration,
    describe: Describe<'_>,
    found: &mut Found<'_>,
) {
    let directory = |tenant: &TenantName| {
        let resource = configuration.tenant(tenant)?;
        Some(Directory { name: format!("Tenant '{tenant}' (`{}`)", resource.connector.connector), can: describe(resource)?.capabilities })
    };
    let (source, target) = (id.tenant.as_ref().and_then(directory), directory(&synchronization.to));
    for Directory { name, can } in [&source, &target].into_iter().flatten() {
        if can.consent == ConsentSource::Hosted {
            found.add("spec.to", format!("{name} has no access policy that could consent, and xtsync keeps none for it yet"));
        }
    }
    if let Some(Directory { name, .. }) = source.filter(|source| !source.can.group_membership && !synchronization.scope.groups.is_empty()) {
        found.add("spec.scope.groups", format!("{name} does not list the members of groups: say `everyone: true`"));
    }
    let Some(Directory { name, can }) = target else { return };
    if synchronization.rehire == Rehire::Restore && !can.restores() {
        found.add("spec.rehire", format!("{name} has no recycle bin to restore a user from: say `new`"));
    } else if synchronization.rehire == Rehire::Restore && !can.restores_for_another() {
        found.add("spec.rehire", format!("{name} keeps the anchor of a former account for ever: say `new`"));
    }
    for (at, requirement) in synchronization.requires.iter().enumerate() {
        if let Some(lack) = lack(*requirement, &can) {
            found.add(format!("spec.requires[{at}]"), format!("{name} {lack}"));
        }
    }
}

/// What a target cannot do of what is required.
fn lack(requirement: Requirement, can: &Capabilities) -> Option<&'static str> {
    let (has, lack) = match requirement {
        Requirement::RevokeSessions => (can.sessions, "cannot revoke sessions"),
        Requirement::BlockSignIn => (can.disable, "cannot block a sign-in"),
        Requirement::RecycleBin => (can.restores(), "has no recycle bin"),
    };
    (!has).then_some(lack)
}
