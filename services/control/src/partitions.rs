//! The numbers of partitions that Tenants say. They count when topics are created; afterwards the number of the bus holds.

use xtsync_bus::{self as bus, Bus, CreateOptions, Topic};
use xtsync_contract::topic;
use xtsync_domain::TenantName;
use xtsync_domain::resource::{Id, Resource, Spec, Tenant};

use crate::context::Context;
use crate::manifest::Written;
use crate::names::Names;
use crate::problem::Problem;
use crate::{Error, resources};

/// The options of a bus without replicas, which alone creates topics itself.
const ALONE: CreateOptions = CreateOptions { replication: 1, min_insync: 1 };

/// Creates the topics of the Tenants among these resources, if the bus creates topics itself. It is called before the resources are
/// published: the first role that used a topic would create it with one partition.
///
/// # Errors
/// If the bus fails.
pub(crate) async fn create(bus: &Bus, resources: impl Iterator<Item = &Resource>) -> Result<(), bus::Error> {
    let topics: Vec<Topic> = resources
        .filter_map(|resource| tenant(&resource.id, &resource.spec))
        .flat_map(|(name, tenant)| topic::to_create(name, tenant.partitions()))
        .collect();
    if bus.creates_topics() && !topics.is_empty() {
        bus.create(&topics, ALONE).await?;
    }
    Ok(())
}

/// Returns a mistake for each written Tenant that changes its number while a topic has another number than the new one. A topic gets
/// another number while all roles are stopped; `docs/partitions.md` says how.
///
/// # Errors
/// If the store or the bus fails.
pub(crate) async fn problems(context: &Context, written: &[Written]) -> Result<Vec<Problem>, Error> {
    let stored = resources::read(&context.store).await?;
    // A name that cannot be used is refused with all other mistakes.
    let Ok(keyed) = Names::of(stored.values()).keyed(written) else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for (resource, (id, spec)) in written.iter().zip(&keyed) {
        let (Some((name, wanted)), Some(standing)) = (tenant(id, spec), stored.get(id)) else { continue };
        if tenant(id, &standing.spec).is_none_or(|(_, standing)| standing.partitions() == wanted.partitions()) {
            continue;
        }
        let topics: Vec<Topic> = topic::to_create(name, wanted.partitions()).collect();
        let found = context.bus.partitions(&topics).await?;
        if let Some((topic, count)) = found.into_iter().find(|(_, count)| *count != wanted.partitions()) {
            let message = format!("{topic} exists and has {count}: docs/partitions.md says how topics get another number");
            problems.push(Problem { place: Some(resource.place("spec.partitions")), message });
        }
    }
    Ok(problems)
}

fn tenant<'a>(id: &'a Id, spec: &'a Spec) -> Option<(&'a TenantName, &'a Tenant)> {
    id.tenant.as_ref().zip(spec.tenant())
}

#[cfg(test)]
mod tests;
