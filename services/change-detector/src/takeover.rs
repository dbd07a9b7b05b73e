//! What a full read staged becomes what is known, a chunk at a time.

use xtsync_domain::{Attributes, UserId, Value};
use xtsync_store::Transaction;

use crate::error::Error;
use crate::merge::Context;
use crate::mirror::{self, Mirrored};
use crate::staging::{self, Staged};

/// How it is taken over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    /// Whether it replaces what is known, or only adds to it.
    pub(crate) is_whole: bool,
    /// Whether all users are projected anew, since the known state is not the published one.
    pub(crate) reprojects_all: bool,
}

/// Takes over a chunk; true when there was nothing more. A whole full read replaces what is known; one that is doubted only adds to it,
/// since what it did not mention may not have been read.
pub(crate) async fn chunk(tx: &mut Transaction, context: &Context<'_>, mode: Mode) -> Result<bool, Error> {
    let staged = staging::chunk(tx, context.tenant, context.full_cycle).await?;
    let ids: Vec<UserId> = staged.iter().map(|(id, _)| id.clone()).collect();
    let mut known = mirror::load(tx, context.tenant, &ids).await?;
    let (mut changed, mut same) = (Vec::new(), Vec::new());
    for (id, staged_user) in staged {
        let mut user = known.remove(&id).unwrap_or_else(|| Mirrored::unknown(id));
        match apply(&mut user, staged_user, context, mode) {
            true => changed.push(user),
            false => same.push(user.id),
        }
    }
    mirror::save(tx, context.tenant, &changed).await?;
    mirror::mark_seen(tx, context.tenant, &same, context.full_cycle).await?;
    staging::remove(tx, context.tenant, &ids).await?;
    Ok(ids.is_empty())
}

/// Takes over what was said of a user; true where that is news.
fn apply(user: &mut Mirrored, staged_user: Staged, context: &Context<'_>, mode: Mode) -> bool {
    // A cycle reported meanwhile that the user was deleted, which is newer than the page that showed them.
    if user.gone.is_some() && user.full_cycle == context.full_cycle {
        return false;
    }
    let (body, gone) = (user.body.clone(), user.gone);
    match staged_user.gone {
        Some(how) => user.gone = Some(how),
        None if mode.is_whole => (user.body, user.gone) = (staged_user.body, None),
        None => {
            user.body.merge(staged_user.body);
            user.gone = None;
        }
    }
    // Of a user who was taken from the topic it is not known how they were.
    let is_changed = gone != user.gone || !is_same(&body, &user.body) || user.full_cycle == 0 || mode.reprojects_all;
    user.full_cycle = context.full_cycle;
    if is_changed {
        user.touch(context.now);
    }
    is_changed
}

/// Whether two bodies say the same; what is empty may be mentioned or not.
fn is_same(one: &Attributes, other: &Attributes) -> bool {
    let full = |body: &Attributes| -> Vec<(String, Value)> {
        let some = body.iter().filter(|(_, value)| **value != Value::Null);
        some.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    };
    full(one) == full(other)
}
