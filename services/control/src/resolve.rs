//! Name resolution: resolves group names to ids with the facts in the read model, at start, after a lookup, and at intervals.

use xtsync_domain::fact::Fact;
use xtsync_domain::resolution::Known;
use xtsync_domain::resource::{Resource, Spec};

use crate::actor::Actor;
use crate::context::{Context, ROLE};
use crate::plan::{Lookup, Plan};
use crate::resources::{self, StoredResources};
use crate::revision::{self, Operation};
use crate::view::fact;
use crate::{Error, publish};

/// Returns the known groups of every tenant that has a NameResolution.
pub(crate) fn lookup(facts: &[(String, Fact)], stored: &StoredResources) -> Lookup {
    let known = |Resource { id, revision, spec }: &Resource| match (spec, &id.tenant) {
        (Spec::NameResolution(_), Some(tenant)) => {
            let tenant_facts = facts.iter().filter(|(owner, _)| owner == tenant.as_str()).map(|(_, fact)| fact.clone());
            Some((tenant.clone(), Known::new(tenant_facts, *revision)))
        }
        (_, _) => None,
    };
    stored.values().filter_map(known).collect()
}

/// Resolves pending names and stores the result as a revision of its own; then publishes every unpublished row.
///
/// # Errors
/// If the store or the bus is unavailable, or this replica does not lead. The caller may call it again.
pub(crate) async fn resolve_pending(context: &Context) -> Result<(), Error> {
    let _guard = context.revision_lock.lock().await;
    let epoch = context.epoch()?;
    let stored = resources::read(&context.store).await?;
    let plan = Plan::of(&stored);
    if plan.has_unresolved() {
        let resolved = plan.resolved(&lookup(&fact::groups(&context.store).await?, &stored));
        if resolved != plan {
            let operation = Operation { actor: Actor::internal(ROLE.name()), verb: "resolve", now: context.clock.now() };
            let mut tx = context.begin(epoch).await?;
            revision::store(&mut tx, operation, &stored, &resolved.stored()).await?;
            tx.commit().await?;
        }
    }
    publish::pending(context).await
}
