//! Commits the results of the jobs of one target, many in one transaction.
//!
//! The busier a target, the more share a commit, which is one statement on a server. An update counts only if its link's row is still the one
//! that its job knows; intake may have stored a newer decision.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_bus::Outgoing;
use xtsync_domain::gate::Counter;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_store::{self as store, Fence, Transaction, outbox, retry_contended};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::owned_target::batcher::{Batcher, Waiting};
use crate::owned_target::limits;
use crate::table::link::Encoded;
use crate::table::work::{Called, Work};
use crate::table::{Key, link, window, work};

/// What one job commits about its link.
#[derive(Debug, Clone)]
pub(crate) struct LinkUpdate {
    /// The link as it shall be stored.
    pub(crate) link: Encoded,
    /// What becomes of its work.
    pub(crate) work: Queued,
    /// What becomes of the call that may be under way.
    pub(crate) call: Called,
    /// What the user is counted for, and when that was reserved.
    pub(crate) uses: Option<(Counter, Timestamp)>,
    /// The outcomes to publish.
    pub(crate) outcome: Option<Outgoing>,
}

/// What becomes of a link's work.
#[derive(Debug, Clone)]
pub(crate) enum Queued {
    /// It is left as it is.
    Stays,
    /// It is removed: nothing more is to be done.
    Done,
    /// It is queued again.
    Again(Work),
}

/// Entries that wait for a transaction.
#[derive(Default)]
pub(crate) struct GroupCommit {
    batcher: Batcher<LinkUpdate, Result<bool>>,
}

impl GroupCommit {
    /// Commits an update while the fence holds. False, and nothing of it is stored, when the link's row is not the one it
    /// was made from.
    pub(crate) async fn commit(&self, context: &Context, target: &TenantName, fence: &Fence, update: LinkUpdate) -> Result<bool> {
        // A job that was dropped, as all are when the lease is lost, commits nothing in the name of a later epoch.
        let committed = self.batcher.submit(update, |batch| commit_all(context, target, fence, batch)).await;
        // If a batch fails as a whole, one caller gets the cause; that ends the work of the epoch for all.
        committed.unwrap_or(Err(Error::Abandoned))
    }
}

/// Commits a batch; what the store refuses as a batch is committed one by one, so that one row does not bar the others.
///
/// A batch that lost a race is committed again in place: to end the epoch's work for it would lose the answers of all its calls, and keep
/// each of their links waiting until those must have ended.
async fn commit_all(context: &Context, target: &TenantName, fence: &Fence, mut batch: Vec<Waiting<LinkUpdate, Result<bool>>>) {
    // In the order in which all lock links.
    batch.sort_by(|a, b| a.item.link.key.cmp(&b.item.link.key));
    let (updates, answers): (Vec<LinkUpdate>, Vec<_>) = batch.into_iter().map(|waiting| (waiting.item, waiting.answer)).unzip();
    // The caller may be gone.
    match retry_contended(|| commit(context, target, fence, &updates)).await {
        Ok(committed) => {
            for (update, answer) in updates.iter().zip(answers) {
                answer.send(Ok(committed.contains(&update.link.key))).ok();
            }
        }
        Err(Error::Store(store::Error::Statement { .. } | store::Error::NotUnique(_))) if updates.len() > 1 => {
            for (update, answer) in updates.into_iter().zip(answers) {
                let alone = retry_contended(|| commit(context, target, fence, std::slice::from_ref(&update))).await;
                answer.send(alone.map(|committed| !committed.is_empty())).ok();
            }
        }
        Err(error) => {
            if let Some(answer) = answers.into_iter().next() {
                answer.send(Err(error)).ok();
            }
        }
    }
}

/// Commits those updates whose rows are as their jobs know them; returns their keys. Mostly all are, so that their versions are looked up
/// only after a commit that failed for one of them.
async fn commit(context: &Context, target: &TenantName, fence: &Fence, updates: &[LinkUpdate]) -> Result<BTreeSet<Key>> {
    let mut current: Vec<&LinkUpdate> = updates.iter().collect();
    while !current.is_empty() {
        match commit_unchanged(target, fence, &current).await {
            Err(store::Error::Changed) => {
                let row_versions = link::row_versions(&context.store, &current.iter().map(|update| &update.link.key).collect()).await?;
                let before = current.len();
                current.retain(|update| row_versions.get(&update.link.key) == Some(&update.link.row_version));
                if current.len() == before {
                    return Err(store::Error::Changed.into());
                }
            }
            committed => {
                committed?;
                break;
            }
        }
    }
    Ok(current.into_iter().map(|update| update.link.key.clone()).collect())
}

/// Commits updates if all their rows are as their jobs know them.
async fn commit_unchanged(target: &TenantName, fence: &Fence, updates: &[&LinkUpdate]) -> Result<(), store::Error> {
    let mut tx = fence.begin().await?;
    link::replace(&mut tx, updates.iter().map(|update| &update.link));
    queue(&mut tx, updates);
    let mut uses = BTreeMap::new();
    for update in updates {
        if let Some((counter, at)) = update.uses {
            *uses.entry((update.link.key.source.clone(), counter, limits::minute(at))).or_default() += 1;
        }
    }
    window::add(&mut tx, target, &uses);
    let outcomes: Vec<Outgoing> = updates.iter().filter_map(|update| update.outcome.clone()).collect();
    outbox::append(&mut tx, &outcomes);
    tx.commit().await
}

fn queue(tx: &mut Transaction, updates: &[&LinkUpdate]) {
    let (mut stays, mut done, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for update in updates {
        let key = &update.link.key;
        match &update.work {
            Queued::Stays => stays.push((key, update.call)),
            Queued::Done => done.push(key),
            Queued::Again(work) => again.push((key, work.clone(), update.call)),
        }
    }
    work::note_calls(tx, stays);
    work::remove(tx, done);
    work::postpone(tx, again);
}
