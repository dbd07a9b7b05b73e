//! Resolves what waits for names from what is known in the read model: at start, when a name was looked up, and now and then.

use xtsync_domain::fact::Fact;
use xtsync_domain::resolution::Known;
use xtsync_domain::resource::{Resource, Spec};

use crate::actor::Actor;
use crate::context::{Context, ROLE};
use crate::plan::{Lookup, Plan};
use crate::resources::{self, Standing};
use crate::revision::{self, Act};
use crate::view::fact;
use crate::{Error, publish};

/// What is known of the groups of every tenant whose names are looked up.
pub(crate) fn lookup(facts: &[(String, Fact)], standing: &Standing) -> Lookup {
    let known = |Resource { id, revision, spec }: &Resource| match (spec, &id.tenant) {
        (Spec::NameResolution(_), Some(tenant)) => {
            let theirs = facts.iter().filter(|(owner, _)| owner == tenant.as_str()).map(|(_, fact)| fact.clone());
            Some((tenant.clone(), Known::new(theirs, *revision)))
        }
        (_, _) => None,
    };
    standing.values().filter_map(known).collect()
}

/// Puts in force what has become known, as a revision of its own; then publishes what is not published.
///
/// # Errors
/// When the store or the bus is away; calling it again goes on.
pub(crate) async fn follow_up(context: &Context) -> Result<(), Error> {
    let _alone = context.revising.lock().await;
    let epoch = context.epoch()?;
    let standing = resources::read(&context.store).await?;
    let plan = Plan::of(&standing);
    if plan.waits() {
        let resolved = plan.resolved(&lookup(&fact::groups(&context.store).await?, &standing));
        if resolved != plan {
            let act = Act { actor: Actor::own(ROLE.name()), verb: "resolve", now: context.clock.now() };
            let mut tx = context.begin(epoch).await?;
            revision::store(&mut tx, act, &standing, &resolved.stored()).await?;
            tx.commit().await?;
        }
    }
    publish::pending(context).await
}
