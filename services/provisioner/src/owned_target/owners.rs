//! Finds the links that own objects. Jobs that ask at about the same time share a query.

use xtsync_domain::{TargetId, TenantName};
use xtsync_store::Store;

use crate::error::{Error, Result};
use crate::owned_target::batcher::{Batcher, Waiting};
use crate::table::Key;
use crate::table::link::{self, Stored};

/// Jobs that ask for owners.
#[derive(Default)]
pub(crate) struct Owners(Batcher<TargetId, Result<Owner>>);

/// The link that owns an object, if any does.
type Owner = Option<(Key, Stored)>;

impl Owners {
    /// The link that owns an object of a target.
    pub(crate) async fn of_object(&self, store: &Store, target: &TenantName, id: TargetId) -> Result<Owner> {
        let found = self.0.submit(id, async |batch| answer(store, target, batch).await).await;
        found.unwrap_or(Err(Error::Abandoned))
    }
}

/// Answers all that wait by one look-up. If it fails, one of them gets the cause, which ends the work of the epoch for all.
async fn answer(store: &Store, target: &TenantName, batch: Vec<Waiting<TargetId, Result<Owner>>>) {
    let found = link::owners(store, target, &batch.iter().map(|waiting| &waiting.item).collect()).await;
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
