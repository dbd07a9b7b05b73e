//! The read model: what the other roles said last, reduced to what questions are asked about.
//!
//! A batch of records is first reduced to rows ([`batch::Batch`], pure), then stored with its offsets in one transaction, so that a
//! restart goes on where it was and nothing is counted twice. It decides nothing and buries nothing: a record that cannot be read is
//! passed over, and buried by whoever acts on it.

pub(crate) mod batch;
pub(crate) mod fact;
pub(crate) mod link;
mod rows;

use xtsync_domain::fact::is_group_name_key;
use xtsync_platform::bus::Record;
use xtsync_platform::store::store_offsets;

use crate::Error;
use crate::context::Context;

/// Folds records into the read model; tells whether a group's name was looked up.
pub(crate) async fn fold(context: &Context, records: &[Record]) -> Result<bool, Error> {
    let batch = batch::Batch::of(records, &context.metrics);
    context.metrics.folded(records);
    let found_names = batch.facts.keys().any(|(_, key)| is_group_name_key(key));
    let mut tx = context.begin(context.epoch()?).await?;
    store_offsets(&mut tx, &batch.next);
    rows::store(&mut tx, batch, context.clock.now()).await?;
    tx.commit().await?;
    Ok(found_names)
}
