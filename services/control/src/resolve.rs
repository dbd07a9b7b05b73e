//! Resolves what waits for names from what is known in the read model: at start, when a name was looked up, and now and then.

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

/// What is known of the groups of every tenant whose names are looked up.
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

/// Puts in force what has become known, as a revision of its own; then publishes what is not published.
///
/// # Errors
/// When the store or the bus is away; calling it again goes on.
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
