//! Name resolution: resolves group names to ids with the facts in the read model, at start, after a lookup, and after a revision; and what
//! waits for a tenant's directory extensions goes on once they were read.

use std::collections::HashMap;

use xtsync_domain::fact::Fact;
use xtsync_domain::resolution::Known;
use xtsync_domain::resource::{Resource, Spec};

use crate::actor::{Actor, Operation};
use crate::context::{Context, ROLE};
use crate::plan::{Lookup, Plan};
use crate::resources::{self, StoredResources};
use crate::revision;
use crate::view::fact;
use crate::{Error, publish, status};

/// Returns the known groups of every tenant that has a NameResolution.
pub(crate) fn lookup(facts: &[(String, Fact)], stored: &StoredResources) -> Lookup {
    let mut by_tenant: HashMap<&str, Vec<Fact>> = HashMap::new();
    for (tenant, fact) in facts {
        by_tenant.entry(tenant).or_default().push(fact.clone());
    }
    let mut known = |Resource { id, revision, spec }: &Resource| match (spec, &id.tenant) {
        (Spec::NameResolution(_), Some(tenant)) => {
            let tenant_facts = by_tenant.remove(tenant.as_str()).unwrap_or_default();
            Some((tenant.clone(), Known::new(tenant_facts, *revision)))
        }
        (_, _) => None,
    };
    stored.values().filter_map(&mut known).collect()
}

/// Resolves pending names, derives projections and name resolutions anew, and stores what differs as a revision of its own; then publishes
/// every unpublished row. A program that derives more than the one before it, such as a new default attribute, needs no apply.
///
/// # Errors
/// If the store or the bus is unavailable, or this replica does not lead. The caller may call it again.
pub(crate) async fn resolve_pending(context: &Context) -> Result<(), Error> {
    let _guard = context.revision_lock.lock().await;
    let fence = context.fence()?;
    let stored = resources::read(&context.store).await?;
    let mut plan = Plan::of(&stored);
    plan.note_extensions(&fact::extensions(&context.store).await?);
    plan.note_default_domains(&fact::identities(&context.store).await?);
    if plan.has_unresolved() {
        plan = plan.resolved(&lookup(&fact::groups(&context.store).await?, &stored));
    }
    let wanted = plan.stored();
    if wanted.iter().any(|(id, spec)| stored.get(id).is_none_or(|resource| resource.spec != *spec)) {
        let operation = Operation { actor: Actor::internal(ROLE.name()), verb: "resolve", now: context.clock.now() };
        let mut tx = fence.begin().await?;
        revision::store(&mut tx, operation, &stored, &wanted).await?;
        tx.commit().await?;
    }
    publish::pending(context).await
}

/// Does so where a revision is not published, or is another than the one that everything was derived of before: what is derived follows from
/// the resources, and each fact about names has it derived anew. Returns the newest revision that everything is derived of.
///
/// # Errors
/// As [`resolve_pending`].
pub(crate) async fn resolve_since(context: &Context, derived: Option<u64>) -> Result<u64, Error> {
    let (newest, is_published) = status::newest(&context.store).await?;
    if derived != Some(newest) || !is_published {
        resolve_pending(context).await?;
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use xtsync_domain::resource::Projection;

    use super::*;
    use crate::apply::apply;
    use crate::context::tests::{YAML, close, context, written};

    #[tokio::test]
    async fn a_projection_that_an_older_program_derived_is_derived_anew_without_an_apply() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        apply(&context, &written(YAML), Actor::internal("test"), false).await.unwrap();
        resolve_pending(&context).await.unwrap();
        let before = resources::read(&context.store).await.unwrap();
        let (id, derived) = before.iter().find(|(_, resource)| matches!(resource.spec, Spec::Projection(_))).unwrap();
        let mut tx = context.fence().unwrap().begin().await.unwrap();
        resources::write(&mut tx, id, &Spec::Projection(Projection::default()), derived.revision).await.unwrap();
        tx.commit().await.unwrap();
        resolve_pending(&context).await.unwrap();
        let after = resources::read(&context.store).await.unwrap();
        assert_eq!(after[id].spec, derived.spec);
        assert!(after[id].revision > derived.revision, "it is published as a change");
        resolve_pending(&context).await.unwrap();
        assert_eq!(resources::read(&context.store).await.unwrap()[id].revision, after[id].revision, "nothing differs any more");
        close(context).await;
    }

    #[tokio::test]
    async fn at_rest_nothing_is_derived_until_there_is_another_revision() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path()).await;
        apply(&context, &written(YAML), Actor::internal("test"), false).await.unwrap();
        let derived = resolve_since(&context, None).await.unwrap();
        let before = resources::read(&context.store).await.unwrap();
        let (id, resource) = before.iter().find(|(_, resource)| matches!(resource.spec, Spec::Projection(_))).unwrap();
        let mut tx = context.fence().unwrap().begin().await.unwrap();
        resources::write(&mut tx, id, &Spec::Projection(Projection::default()), resource.revision).await.unwrap();
        tx.commit().await.unwrap();
        let spec = async || resources::read(&context.store).await.unwrap()[id].spec.clone();
        assert_eq!(resolve_since(&context, Some(derived)).await.unwrap(), derived);
        assert_eq!(spec().await, Spec::Projection(Projection::default()), "it is not looked at");
        resolve_since(&context, Some(derived - 1)).await.unwrap();
        assert_eq!(spec().await, resource.spec);
        close(context).await;
    }
}
