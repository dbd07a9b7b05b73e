//! The read model: what the other roles said last, reduced to what questions are asked about.
//!
//! A batch of records is first reduced to rows ([`batch::Batch`], pure), then stored with its offsets in one transaction, so that a
//! restart goes on where it was and nothing is counted twice. It decides nothing and buries nothing: a record that cannot be read is
//! passed over, and buried by whoever acts on it.

pub(crate) mod batch;
pub(crate) mod fact;
pub(crate) mod link;
mod rows;

use xtsync_bus::Record;
use xtsync_domain::fact::{IDENTITY, is_group_name_key};
use xtsync_store::store_offsets;

use crate::Error;
use crate::context::Context;

/// What was folded that something follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChangedFacts {
    /// A group's name was looked up.
    pub(crate) names: bool,
    /// A tenant's directory was read.
    pub(crate) identities: bool,
}

/// Folds records into the read model.
pub(crate) async fn fold(context: &Context, records: &[Record]) -> Result<ChangedFacts, Error> {
    let batch = batch::Batch::of(records, &context.metrics);
    context.metrics.folded(records);
    let changed_facts = ChangedFacts {
        names: batch.facts.keys().any(|(_, key)| is_group_name_key(key)),
        identities: batch.facts.keys().any(|(_, key)| key == IDENTITY),
    };
    let mut tx = context.begin(context.epoch()?).await?;
    store_offsets(&mut tx, &batch.next);
    rows::store(&mut tx, batch, context.clock.now()).await?;
    tx.commit().await?;
    Ok(changed_facts)
}
