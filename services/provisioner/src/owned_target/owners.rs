//! Finds the links that own objects or bear anchors. Jobs that ask at about the same time share a query.

use std::collections::{BTreeMap, BTreeSet};

use xtsync_domain::{TargetId, TenantName};
use xtsync_store::Store;

use crate::error::{Error, Result};
use crate::owned_target::batcher::{Batcher, Waiting};
use crate::table::Key;
use crate::table::link::{self, Stored};

/// Jobs that ask for owners.
#[derive(Default)]
pub(crate) struct Owners {
    objects: Batcher<TargetId, Result<Option<(Key, Stored)>>>,
    anchors: Batcher<String, Result<Option<Key>>>,
}

impl Owners {
    /// The link that owns an object of a target.
    pub(crate) async fn of_object(&self, store: &Store, target: &TenantName, id: TargetId) -> Result<Option<(Key, Stored)>> {
        let found = self.objects.submit(id, async |batch| answer(batch, async |ids| link::owners(store, target, ids).await).await).await;
        found.unwrap_or(Err(Error::Abandoned))
    }

    /// The link of a target that bears an anchor.
    pub(crate) async fn of_anchor(&self, store: &Store, target: &TenantName, anchor: String) -> Result<Option<Key>> {
        let found = self
            .anchors
            .submit(anchor, async |batch| answer(batch, async |anchors| link::anchor_owners(store, target, anchors).await).await);
        found.await.unwrap_or(Err(Error::Abandoned))
    }
}

/// Answers all that wait by one look-up. If it fails, one of them gets the cause, which ends the work of the epoch for all.
async fn answer<Q: Ord, A: Clone>(
    batch: Vec<Waiting<Q, Result<Option<A>>>>,
    look_up: impl AsyncFnOnce(&BTreeSet<&Q>) -> Result<BTreeMap<Q, A>>,
) {
    let found = look_up(&batch.iter().map(|waiting| &waiting.item).collect()).await;
    match found {
        Ok(found) => {
            for Waiting { item, answer } in batch {
                // The caller may be gone.
                answer.send(Ok(found.get(&item).cloned())).ok();
            }
        }
        Err(error) => {
            if let Some(Waiting { answer, .. }) = batch.into_iter().next() {
                answer.send(Err(error)).ok();
            }
        }
    }
}
