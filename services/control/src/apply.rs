//! Apply: stores the written resources as one revision, or refuses all of them.

use std::collections::BTreeMap;

use xtsync_domain::TenantName;
use xtsync_domain::fact::Identity;
use xtsync_domain::resource::{Id, Spec};

use crate::actor::{Actor, Operation};
use crate::context::Context;
use crate::manifest::Written;
use crate::names::Names;
use crate::plan::Plan;
use crate::revision;
use crate::view::fact;
use crate::{Error, partitions, publish, resolve, resources, rules};

/// The result of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The newest revision.
    pub revision: u64,
    /// The effect on each written resource, by id as written.
    pub changes: BTreeMap<Id, Change>,
}

/// The effect of an apply on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The resource is new.
    Created,
    /// The spec has changed.
    Configured,
    /// The spec is the same.
    Unchanged,
    /// The resource is stored and waits for names or directory extensions. The spec in force stays in force.
    Pending,
}

/// Applies the written resources. With `refresh_names` every group name is resolved again, also names that were resolved before.
///
/// # Errors
/// [`Error::Refused`] with every mistake if a resource is invalid; then nothing is applied. [`Error::Bus`] if the revision is stored but
/// not published; the leader publishes it when the bus is available again. An apply that changes how many partitions a Tenant has asks the
/// bus first, and stores nothing if that fails. With any other error the revision may be stored or not.
pub(crate) async fn apply(context: &Context, written: &[Written], actor: Actor<'_>, refresh_names: bool) -> Result<Applied, Error> {
    let ended = store_and_publish(context, written, actor, refresh_names).await;
    context.metrics.applied(&ended);
    ended
}

async fn store_and_publish(context: &Context, written: &[Written], actor: Actor<'_>, refresh_names: bool) -> Result<Applied, Error> {
    let _guard = context.revision_lock.lock().await;
    let fence = context.fence()?;
    // The bus is not asked within the transaction.
    let of_partitions = partitions::problems(context, written).await?;
    let facts = fact::groups(&context.store).await?;
    let mut tx = fence.begin().await?;
    let stored = resources::read_in(&mut tx).await?;
    let names = Names::of(stored.values());
    let keyed = names.keyed(written).map_err(Error::Refused)?;
    let lookup = resolve::lookup(&facts, &stored);
    let before = Plan::of(&stored);
    let mut plan = before.clone();
    keyed.iter().for_each(|(id, spec)| plan.write(id, spec, &lookup, refresh_names));
    // Mistakes name tenants as administrators do.
    let identities: BTreeMap<TenantName, Identity> =
        fact::identities(&context.store).await?.into_iter().map(|(key, identity)| (names.name(&key).clone(), identity)).collect();
    let problems = |before: &BTreeMap<Id, Spec>, wanted: &BTreeMap<Id, Spec>| {
        let (before, wanted) = (names.all_named(before), names.all_named(wanted));
        rules::problems(&before, &wanted, written, &identities, &context.connectors, &context.hosts)
    };
    let mut found = problems(&before.as_written(), &plan.as_written());
    if found.is_empty() && !plan.pending.is_empty() {
        found = problems(&before.in_force, &plan.in_force);
    }
    found.extend(of_partitions);
    if !found.is_empty() {
        return Err(Error::Refused(found));
    }
    let operation = Operation { actor, verb: "apply", now: context.clock.now() };
    let changes = written.iter().zip(&keyed).map(|(resource, (id, _))| (resource.id.clone(), change(&before, &plan, id))).collect();
    let revision = revision::store(&mut tx, operation, &stored, &plan.stored()).await?;
    tx.commit().await?;
    publish::pending(context).await?;
    Ok(Applied { revision, changes })
}

fn change(before: &Plan, plan: &Plan, id: &Id) -> Change {
    match before.in_force.get(id) {
        _ if plan.pending.contains_key(id) => Change::Pending,
        None => Change::Created,
        Some(spec) if plan.in_force.get(id) == Some(spec) && !before.pending.contains_key(id) => Change::Unchanged,
        Some(_) => Change::Configured,
    }
}
