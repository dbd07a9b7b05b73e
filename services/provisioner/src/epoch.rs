//! The begin of an epoch: what the owner of a target does once after it took the lease, before it takes decisions in or works.

use xtsync_store::Epoch;

use crate::directory_change;
use crate::error::Result;
use crate::owned_target::OwnedTarget;
use crate::rebuild::rebuild;

/// Compares the store with its topic and takes from there what it has lost, has the links of a former directory forget their objects, and
/// begins anew with what is exact only within an epoch. Once an epoch; others wait for the one that does it.
///
/// # Errors
/// When the store or the bus fails, or the lease is lost.
pub(crate) async fn begin(owned: &OwnedTarget, epoch: Epoch) -> Result<()> {
    let _turn = owned.beginning.lock().await;
    if !owned.has_begun(epoch) {
        rebuild(owned, epoch).await?;
        directory_change::check(owned, epoch).await?;
        owned.begin_epoch(epoch);
    }
    Ok(())
}
