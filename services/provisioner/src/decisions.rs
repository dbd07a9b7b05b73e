//! Decisions about the users of one target: read from records, and stored as the desired state of links by the owner of the target.

mod read;
mod take;

use std::collections::BTreeMap;

use xtsync_bus::{Partition, Record};
use xtsync_store::{Epoch, retry_contended, store_offsets};

pub(crate) use self::read::{Arrival, Reading, read};
use crate::error::Result;
use crate::owned_target::OwnedTarget;

/// Stores decisions with the offsets after them, in a transaction that asserts the lease; says whether anything may be due now.
pub(crate) async fn store(owned: &OwnedTarget, epoch: Epoch, arrivals: &[Arrival], next: &BTreeMap<Partition, i64>) -> Result<bool> {
    let mut tx = owned.begin(epoch).await?;
    let counts = take::take(&mut tx, owned, arrivals).await?;
    store_offsets(&mut tx, next);
    tx.commit().await?;
    owned.in_use.note_decided(arrivals.iter().map(|arrival| &arrival.key));
    counts.count(&owned.context, &owned.target);
    Ok(counts.is_due())
}

/// Stores decisions of records that may have been stored before: of two about one user the newer stays.
pub(crate) async fn store_again(owned: &OwnedTarget, epoch: Epoch, records: &[Record]) -> Result<()> {
    let mut arrivals = Vec::new();
    for record in records {
        if let Reading::Decision(arrival) = read(&owned.context, record).await? {
            arrivals.push(*arrival);
        }
    }
    let no_offsets = BTreeMap::new();
    retry_contended(|| store(owned, epoch, &arrivals, &no_offsets)).await?;
    Ok(())
}
