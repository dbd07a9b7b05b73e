//! What one resource at most may claim: a pair of tenants (a Synchronization), a tenant's own policy, a directory (a Tenant).
//!
//! The resource that claimed it before keeps it, and the newcomer is the mistake. Two Tenants for one directory would be two owners of
//! the same objects: whether a domain and an id mean one directory is known once it has been read.

use std::collections::BTreeMap;

use super::{Problem, Proposal};
use crate::fact::Identity;
use crate::resource::{Description, Id, Location, Spec, Tenant};
use crate::{DirectoryId, TenantName};

/// What is claimed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// To synchronize a source into a target.
    Pair(TenantName, TenantName),
    /// To be a tenant's policy.
    Policy(TenantName),
    /// To be the Tenant of a directory, as written.
    Written(Location),
    /// The same, of a directory whose id is known.
    Directory(DirectoryId),
}

pub(super) fn check(proposal: &Proposal<'_>, problems: &mut Vec<Problem>) {
    let known = known(proposal);
    let mut claims: BTreeMap<Claim, Vec<&Id>> = BTreeMap::new();
    for (id, spec) in proposal.wanted {
        if let Some(claim) = claim(proposal, id, spec, &known) {
            claims.entry(claim).or_default().push(id);
        }
    }
    for (claim, claimants) in claims.iter().filter(|(_, claimants)| claimants.len() > 1) {
        let claimed_before =
            |id: &Id| proposal.standing.get(id).is_some_and(|spec| self::claim(proposal, id, spec, &known).as_ref() == Some(claim));
        let holder = claimants.iter().copied().find(|id| claimed_before(id)).unwrap_or(claimants[0]);
        // Two stored resources were not known to be the same when they were applied. That must not block other applies.
        let is_mistake = |id: &&Id| *id != holder && (proposal.written.contains(*id) || !claimed_before(id));
        problems.extend(claimants.iter().copied().filter(is_mistake).map(|id| problem(proposal, claim, id, holder)));
    }
}

fn claim(proposal: &Proposal<'_>, id: &Id, spec: &Spec, known: &BTreeMap<Location, DirectoryId>) -> Option<Claim> {
    match spec {
        Spec::Synchronization(synchronization) => Some(Claim::Pair(id.tenant.clone()?, synchronization.to.clone())),
        Spec::CrossTenantAccessPolicy(_) => id.tenant.clone().map(Claim::Policy),
        Spec::Tenant(tenant) => {
            let Description { location, .. } = (proposal.describe)(tenant)?;
            Some(known.get(&location).cloned().map_or(Claim::Written(location), Claim::Directory))
        }
        Spec::Organization(_)
        | Spec::Projection(_)
        | Spec::NameResolution(_)
        | Spec::Directory(_)
        | Spec::DirectoryExtensions(_)
        | Spec::Rename(_) => None,
    }
}

fn problem(proposal: &Proposal<'_>, claim: &Claim, id: &Id, holder: &Id) -> Problem {
    let (path, message) = match claim {
        Claim::Pair(source, target) => {
            ("spec.to".to_owned(), format!("'{source}' synchronizes into '{target}' already: '{}'", holder.name))
        }
        Claim::Policy(_) => ("metadata.name".to_owned(), format!("the tenant has a {} already: '{}'", id.kind, holder.name)),
        Claim::Written(_) => (
            directory_path(proposal, id),
            format!("is the directory of Tenant '{}' already: {}", holder.name, one_tenant(proposal, id, holder)),
        ),
        Claim::Directory(directory) => (
            directory_path(proposal, id),
            format!("is directory {directory}, of Tenant '{}' already: {}", holder.name, one_tenant(proposal, id, holder)),
        ),
    };
    Problem { id: id.clone(), path, message }
}

/// Why a Tenant may not name the directory of another one. A new Tenant may be meant as a new name.
fn one_tenant(proposal: &Proposal<'_>, id: &Id, holder: &Id) -> String {
    let rule = "a directory belongs to one Tenant";
    match proposal.standing.contains_key(holder) && !proposal.standing.contains_key(id) {
        true => format!("{rule}; `xtsync tenant rename {} {}` renames it", holder.name, id.name),
        false => rule.to_owned(),
    }
}

/// The field of a Tenant that names its directory.
fn directory_path(proposal: &Proposal<'_>, id: &Id) -> String {
    let Some(Spec::Tenant(tenant)) = proposal.wanted.get(id) else { return "spec".to_owned() };
    let field = (proposal.describe)(tenant).map_or("", |description| description.directory_field);
    format!("spec.{}.{field}", tenant.connector.connector)
}

/// The directory of each location, by what was read from the tenants. What was read of a Tenant that this apply points elsewhere does not
/// count.
fn known(proposal: &Proposal<'_>) -> BTreeMap<Location, DirectoryId> {
    let location = |resources, tenant| Some((proposal.describe)(self::tenant(resources, tenant)?)?.location);
    let mut known = BTreeMap::new();
    for (tenant, Identity { directory_id, verified_domains, default_domain: _ }) in proposal.identities {
        let (Some(before), Some(now)) = (location(proposal.standing, tenant), location(proposal.wanted, tenant)) else { continue };
        if before != now {
            continue;
        }
        let names = verified_domains.iter().map(String::as_str).chain([directory_id.as_str(), &now.directory]);
        known.extend(names.map(|name| (Location::new(&now.service, name), directory_id.clone())));
    }
    known
}

fn tenant<'a>(resources: &'a BTreeMap<Id, Spec>, name: &TenantName) -> Option<&'a Tenant> {
    resources.iter().filter(|(id, _)| id.name == name.as_str()).find_map(|(_, spec)| spec.tenant())
}

#[cfg(test)]
mod tests;
