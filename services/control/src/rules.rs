//! The rules over several resources, as the domain has them, with the places of what was written.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::TenantName;
use xtsync_domain::configuration::validate;
use xtsync_domain::fact::Identity;
use xtsync_domain::resource::{AllowedHosts, Id, Spec};

use crate::manifest::Written;
use crate::problem::Problem;

/// Every mistake in what would stand; `identities` says who the tenants are, as far as they were read.
pub(crate) fn problems(
    standing: &BTreeMap<Id, Spec>,
    wanted: &BTreeMap<Id, Spec>,
    written: &[Written],
    identities: &BTreeMap<TenantName, Identity>,
    hosts: &AllowedHosts,
) -> Vec<Problem> {
    let ids: BTreeSet<Id> = written.iter().map(|resource| resource.id.clone()).collect();
    let proposal = validate::Proposal { standing, wanted, written: &ids, identities };
    let mut problems: Vec<Problem> = validate::problems(&proposal).iter().map(|problem| placed(problem, written)).collect();
    problems.extend(written.iter().filter_map(|resource| foreign(resource, hosts)));
    problems.sort();
    problems
}

/// A Tenant whose secrets would go to a host that this installation does not know.
fn foreign(resource: &Written, hosts: &AllowedHosts) -> Option<Problem> {
    let Spec::Tenant(tenant) = &resource.spec else { return None };
    let field = hosts.forbidden(&tenant.graph)?;
    let message = "names a host that is not allowed: Microsoft's clouds and loopback are, others by `xtsync run --allow-host`";
    Some(Problem { place: Some(resource.place(&format!("spec.graph.{field}"))), message: message.to_owned() })
}

/// A mistake at its place; one in a resource that stood before names the resource instead.
fn placed(problem: &validate::Problem, written: &[Written]) -> Problem {
    match written.iter().find(|resource| resource.id == problem.id) {
        Some(resource) => Problem { place: Some(resource.place(&problem.path)), message: problem.message.clone() },
        None => Problem { place: None, message: format!("{}, which stands already, {}: {}", problem.id, problem.path, problem.message) },
    }
}
