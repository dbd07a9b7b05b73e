//! Apply: what was written, over what stands, becomes one revision or nothing.

use std::collections::BTreeMap;

use xtsync_domain::resource::{Id, Spec};

use crate::context::Context;
use crate::manifest::Written;
use crate::resources::{self, Standing};
use crate::revision::{self, Act};
use crate::{Error, pins, publish, rules};

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The newest revision.
    pub revision: u64,
    /// What became of each resource written, by id.
    pub changes: BTreeMap<Id, Change>,
}

/// What an apply did to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It says something else now.
    Configured,
    /// It says the same.
    Unchanged,
}

/// Applies what was written.
///
/// # Errors
/// [`Error::Refused`] with every mistake, and nothing is applied; [`Error::Bus`] when the revision is stored and will be published as
/// soon as the bus is back; otherwise nothing was stored.
pub(crate) async fn apply(context: &Context, written: &[Written], actor: &str) -> Result<Applied, Error> {
    let ended = store_and_publish(context, written, actor).await;
    context.metrics.applied(&ended);
    ended
}

async fn store_and_publish(context: &Context, written: &[Written], actor: &str) -> Result<Applied, Error> {
    let _alone = context.revising.lock().await;
    let mut tx = context.begin(context.epoch()?).await?;
    let standing = resources::read_in(&mut tx).await?;
    let wanted = wanted(&standing, written);
    let problems = rules::problems(&wanted, written, &context.hosts);
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    let act = Act { actor, verb: "apply", now: context.clock.now() };
    let revision = revision::store(&mut tx, act, &standing, &rules::with_projections(wanted.clone())).await?;
    tx.commit().await?;
    publish::pending(context).await?;
    let changes = written.iter().map(|resource| (resource.id.clone(), change(&standing, &resource.id, &wanted))).collect();
    Ok(Applied { revision, changes })
}

/// What stands with what was written over it; a group that was found already keeps its id.
fn wanted(standing: &Standing, written: &[Written]) -> BTreeMap<Id, Spec> {
    let mut wanted: BTreeMap<Id, Spec> = standing.iter().map(|(id, resource)| (id.clone(), resource.spec.clone())).collect();
    for resource in written {
        let before = standing.get(&resource.id).map(|resource| &resource.spec);
        wanted.insert(resource.id.clone(), pins::kept(before, &resource.spec));
    }
    wanted
}

fn change(standing: &Standing, id: &Id, wanted: &BTreeMap<Id, Spec>) -> Change {
    match standing.get(id) {
        None => Change::Created,
        Some(before) if wanted.get(id) == Some(&before.spec) => Change::Unchanged,
        Some(_) => Change::Configured,
    }
}
