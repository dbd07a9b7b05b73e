//! Validates resources against the domain's rules, and adds the places of the written fields to the mistakes.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_directory::Connectors;
use xtsync_domain::TenantName;
use xtsync_domain::configuration::validate;
use xtsync_domain::fact::Identity;
use xtsync_domain::resource::{AllowedHosts, Id, Spec, Tenant};

use crate::manifest::Written;
use crate::problem::Problem;

/// Returns every mistake in the `wanted` resources. `identities` holds the identity of each tenant that the detector has read.
pub(crate) fn problems(
    standing: &BTreeMap<Id, Spec>,
    wanted: &BTreeMap<Id, Spec>,
    written: &[Written],
    identities: &BTreeMap<TenantName, Identity>,
    connectors: &Connectors,
    hosts: &AllowedHosts,
) -> Vec<Problem> {
    let ids: BTreeSet<Id> = written.iter().map(|resource| resource.id.clone()).collect();
    let describe = |tenant: &Tenant| connectors.describe(tenant).ok();
    let proposal = validate::Proposal { standing, wanted, written: &ids, identities, describe: &describe };
    let mut problems: Vec<Problem> = validate::problems(&proposal).iter().map(|problem| placed(problem, written)).collect();
    problems.extend(written.iter().filter_map(|resource| section_problem(resource, connectors, hosts)));
    problems.sort();
    problems
}

/// Returns the mistake in a Tenant's connector section: it is invalid, or names a host that is not allowed. A wrong host
/// would receive secrets.
fn section_problem(resource: &Written, connectors: &Connectors, hosts: &AllowedHosts) -> Option<Problem> {
    let Spec::Tenant(tenant) = &resource.spec else { return None };
    let (path, message) = match connectors.describe(tenant) {
        Ok(description) => {
            let field = hosts.forbidden(&description)?;
            let message =
                "names a host that is not allowed: those of the connector's service and loopback are, others by `xtsync run --allow-host`";
            (format!("{}.{field}", tenant.connector.connector), message.to_owned())
        }
        Err(problem) => (problem.path, problem.message),
    };
    Some(Problem { place: Some(resource.place(&format!("spec.{path}"))), message })
}

/// Adds the place to a mistake. A mistake in a resource that is not among the written ones names the resource instead.
fn placed(problem: &validate::Problem, written: &[Written]) -> Problem {
    match written.iter().find(|resource| resource.id == problem.id) {
        Some(resource) => Problem { place: Some(resource.place(&problem.path)), message: problem.message.clone() },
        None => Problem { place: None, message: format!("{}, which is stored already, {}: {}", problem.id, problem.path, problem.message) },
    }
}
