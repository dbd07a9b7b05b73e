//! What one resource at most may claim: a pair of tenants (a Synchronization), a tenant's own policy, a directory (a Tenant).
//!
//! The resource that claimed it before keeps it, and the newcomer is the mistake. Two Tenants for one directory would be two owners of
//! the same objects: whether a domain and an id mean one directory is known once it has been read.

use std::collections::BTreeMap;

use super::{Problem, Proposal};
use crate::fact::Identity;
use crate::resource::{Graph, Id, Spec};
use crate::{DirectoryId, TenantName};

/// What is claimed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// To synchronize a source into a target.
    Pair(TenantName, TenantName),
    /// To be a tenant's policy.
    Policy(TenantName),
    /// To be the Tenant of a directory, as written: where Graph is, and the domain there.
    Written(String, String),
    /// The same, of a directory whose id is known.
    Directory(DirectoryId),
}

pub(super) fn check(proposal: &Proposal<'_>, problems: &mut Vec<Problem>) {
    let known = known(proposal);
    let mut claims: BTreeMap<Claim, Vec<&Id>> = BTreeMap::new();
    for (id, spec) in proposal.wanted {
        if let Some(claim) = claim(id, spec, &known) {
            claims.entry(claim).or_default().push(id);
        }
    }
    for (claim, claimants) in claims.iter().filter(|(_, claimants)| claimants.len() > 1) {
        let claimed_before = |id: &Id| proposal.standing.get(id).is_some_and(|spec| self::claim(id, spec, &known).as_ref() == Some(claim));
        let holder = claimants.iter().copied().find(|id| claimed_before(id)).unwrap_or(claimants[0]);
        // Two that stand were not known to be one when they were applied: that bars nobody from applying something else.
        let is_mistake = |id: &&Id| *id != holder && (proposal.written.contains(*id) || !claimed_before(id));
        problems.extend(claimants.iter().copied().filter(is_mistake).map(|id| problem(claim, id, holder)));
    }
}

fn claim(id: &Id, spec: &Spec, known: &BTreeMap<(String, String), DirectoryId>) -> Option<Claim> {
    match spec {
        Spec::Synchronization(synchronization) => Some(Claim::Pair(id.tenant.clone()?, synchronization.to.clone())),
        Spec::CrossTenantAccessPolicy(_) => id.tenant.clone().map(Claim::Policy),
        Spec::Tenant(tenant) => {
            let written = place(&tenant.graph, &tenant.graph.domain);
            Some(known.get(&written).cloned().map_or(Claim::Written(written.0, written.1), Claim::Directory))
        }
        Spec::Organization(_) | Spec::Projection(_) | Spec::NameResolution(_) | Spec::Directory(_) => None,
    }
}

fn problem(claim: &Claim, id: &Id, holder: &Id) -> Problem {
    let (path, message) = match claim {
        Claim::Pair(source, target) => ("spec.to", format!("'{source}' synchronizes into '{target}' already: '{}'", holder.name)),
        Claim::Policy(_) => ("metadata.name", format!("the tenant has a {} already: '{}'", id.kind, holder.name)),
        Claim::Written(..) => {
            ("spec.graph.domain", format!("is the directory of Tenant '{}' already: a directory belongs to one Tenant", holder.name))
        }
        Claim::Directory(directory) => (
            "spec.graph.domain",
            format!("is directory {directory}, of Tenant '{}' already: a directory belongs to one Tenant", holder.name),
        ),
    };
    Problem { id: id.clone(), path: path.to_owned(), message }
}

/// Which directory a place is, by what was read from the tenants. What was read of a Tenant that this apply points elsewhere says nothing.
fn known(proposal: &Proposal<'_>) -> BTreeMap<(String, String), DirectoryId> {
    let mut known = BTreeMap::new();
    for (tenant, Identity { directory_id, verified_domains }) in proposal.identities {
        let (Some(before), Some(graph)) = (graph(proposal.standing, tenant), graph(proposal.wanted, tenant)) else { continue };
        if place(before, &before.domain) != place(graph, &graph.domain) {
            continue;
        }
        let names = verified_domains.iter().map(String::as_str).chain([directory_id.as_str(), &graph.domain]);
        known.extend(names.map(|name| (place(graph, name), directory_id.clone())));
    }
    known
}

fn graph<'a>(resources: &'a BTreeMap<Id, Spec>, tenant: &TenantName) -> Option<&'a Graph> {
    resources.iter().find_map(|(id, spec)| match spec {
        Spec::Tenant(spec) if id.name == tenant.as_str() => Some(&spec.graph),
        Spec::Tenant(_)
        | Spec::Organization(_)
        | Spec::CrossTenantAccessPolicy(_)
        | Spec::Synchronization(_)
        | Spec::Projection(_)
        | Spec::NameResolution(_)
        | Spec::Directory(_) => None,
    })
}

/// Where a directory is and by which name, in one spelling: neither hosts nor domains know case, nor does a final dot or slash matter.
fn place(graph: &Graph, domain: &str) -> (String, String) {
    let endpoint = graph.endpoint.as_str().trim_end_matches('/').to_lowercase();
    (endpoint, domain.trim().trim_end_matches('.').to_lowercase())
}

#[cfg(test)]
mod tests;
