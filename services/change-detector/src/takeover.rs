//! Moves staged users into the mirror, a chunk at a time.

use std::collections::BTreeSet;

use xtsync_domain::{Attributes, UserId, Value};
use xtsync_store::Transaction;

use crate::error::Error;
use crate::membership;
use crate::mirror::{self, Mirrored};
use crate::page::Context;
use crate::staging::{self, Staged};

/// How staged users are taken over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode<'a> {
    /// Whether the full read is verified: then it replaces the known attributes. Otherwise it only adds to them, since what it did not
    /// mention may not have been read.
    pub(crate) is_verified: bool,
    /// Whether all users are projected anew, since the known state is not the published one.
    pub(crate) reprojects_all: bool,
    /// Attributes that no verified full read had read before: a user without a value was published without them.
    pub(crate) unverified_attributes: &'a BTreeSet<String>,
}

/// Takes over a chunk; true when there was nothing more.
pub(crate) async fn chunk(tx: &mut Transaction, context: &Context<'_>, mode: Mode<'_>) -> Result<bool, Error> {
    let staged = staging::chunk(tx, context.tenant, context.full_cycle).await?;
    let ids: Vec<UserId> = staged.iter().map(|(id, _)| id.clone()).collect();
    let mut known = mirror::load(tx, context.tenant, &ids).await?;
    let (mut changed, mut same, mut restored) = (Vec::new(), Vec::new(), Vec::new());
    // The mirror has what cycles have reported of the others.
    for (id, staged_user) in staged.into_iter().filter(|(_, staged_user)| staged_user.is_shown) {
        let mut user = known.remove(&id).unwrap_or_else(|| Mirrored::unknown(id));
        let was_deleted = user.gone.is_some();
        match apply(&mut user, staged_user, context, mode) {
            true => {
                restored.extend(Some(user.id.clone()).filter(|_| was_deleted && user.gone.is_none()));
                changed.push(user);
            }
            false => same.push(user.id),
        }
    }
    membership::retain(tx, context, &restored).await?;
    mirror::save(tx, context.tenant, &changed).await?;
    mirror::mark_seen(tx, context.tenant, &same, context.full_cycle).await?;
    staging::remove(tx, context.tenant, &ids).await?;
    Ok(ids.is_empty())
}

/// Takes over one user; true where that changes them.
fn apply(user: &mut Mirrored, staged_user: Staged, context: &Context<'_>, mode: Mode<'_>) -> bool {
    let (body, gone) = (user.body.clone(), user.gone);
    match staged_user.gone {
        Some(how) => user.gone = Some(how),
        None if mode.is_verified => (user.body, user.gone) = (staged_user.body, None),
        None => {
            let is_new = !user.is_known();
            user.body.merge(staged_user.body);
            user.gone = None;
            // Of a new user nothing else is known: what is not mentioned may not have been read.
            for name in context.selected.iter().filter(|_| is_new) {
                if user.body.get(name).is_none() {
                    user.body.set_unread(name);
                }
            }
        }
    }
    // An attribute that was not read before is known to be empty now.
    let is_read_first = mode.is_verified && mode.unverified_attributes.iter().any(|name| body.get(name).is_none());
    // The directory state of a user who was taken from the topic is unknown.
    let is_unknown = user.full_cycle == 0;
    let is_changed = gone != user.gone || !is_same(&body, &user.body) || is_read_first || is_unknown || mode.reprojects_all;
    user.full_cycle = context.full_cycle;
    if is_changed {
        user.touch(context.now);
    }
    is_changed
}

/// Whether two bodies are equal; an empty attribute may be mentioned or not.
fn is_same(one: &Attributes, other: &Attributes) -> bool {
    let full = |body: &Attributes| -> Vec<(String, Value)> {
        let some = body.iter().filter(|(_, value)| **value != Value::Null);
        some.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    };
    full(one) == full(other)
}
