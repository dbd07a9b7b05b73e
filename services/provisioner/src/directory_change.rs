//! A target that an operator has confirmed to be another directory: no id of an object means anything there. So each of its links forgets
//! its object, and finds it again by its anchor if an administrator moved it; otherwise the user is created anew.
//!
//! The store records the directory of the links, and changes it after all links have forgotten: an interrupted change starts again.
//! Until they have, the gate is closed ([`crate::linked_directories`]): the configuration says the new directory before the worker is made anew.

use xtsync_domain::link::RowUpdate;
use xtsync_domain::link::class::class;
use xtsync_domain::{DirectoryId, version};
use xtsync_store::Epoch;

use crate::error::Result;
use crate::follow;
use crate::owned_target::OwnedTarget;
use crate::table::waiting::Waits;
use crate::table::{Key, link, target, work};

/// Links in one transaction.
const CHUNK: u32 = 500;

/// Has all links forget their objects where the target is another directory than theirs. Before any of them is worked on.
pub(crate) async fn check(owned: &OwnedTarget, epoch: Epoch) -> Result<()> {
    let (context, target) = (&owned.context, &owned.target);
    let pinned = context.configuration().directory(target).cloned();
    let known = target::directory(&context.store, target).await?;
    if let Some(known) = &known {
        context.directories.record(target, known.clone());
    }
    let Some(pinned) = pinned.filter(|pinned| known.as_ref() != Some(pinned)) else { return Ok(()) };
    let Some(former) = known else { return store(owned, epoch, pinned).await };
    let links = forget(owned, epoch).await?;
    tracing::warn!(%target, %former, directory = %pinned, links, "the target is another directory: its links forget their objects");
    store(owned, epoch, pinned).await?;
    // Whatever waited for that, or was refused by the former one.
    follow::wake(context, Waits::HeldOrRefused, |_, opened| opened == target).await.map(drop)
}

/// Notes which directory the links are of, once that is known.
pub(crate) async fn record(owned: &OwnedTarget, epoch: Epoch) -> Result<()> {
    let context = &owned.context;
    let Some(pinned) = context.configuration().directory(&owned.target).cloned() else { return Ok(()) };
    match target::directory(&context.store, &owned.target).await? {
        None => store(owned, epoch, pinned).await,
        Some(_) => Ok(()),
    }
}

async fn store(owned: &OwnedTarget, epoch: Epoch, directory: DirectoryId) -> Result<()> {
    let mut tx = owned.begin(epoch).await?;
    target::set_directory(&mut tx, &owned.target, &directory).await?;
    tx.commit().await?;
    owned.context.directories.record(&owned.target, directory);
    Ok(())
}

/// Makes every link forget its object, in chunks; returns the number.
async fn forget(owned: &OwnedTarget, epoch: Epoch) -> Result<usize> {
    let (context, now) = (&owned.context, owned.context.now());
    let (mut last, mut forgotten) = (None::<Key>, 0);
    loop {
        let keys = link::with_object_after(&context.store, &owned.target, last.as_ref(), CHUNK).await?;
        let Some(newest) = keys.last().cloned() else { return Ok(forgotten) };
        owned.limits().forget_live();
        let mut tx = owned.begin(epoch).await?;
        let mut links = link::lock(&mut tx, &keys).await?;
        for stored in links.values_mut() {
            stored.link.update_row(&RowUpdate::Forget, now);
            stored.version = version::next(stored.version, now);
        }
        link::save(&mut tx, links.values(), context.store.store_id());
        let due: Vec<_> = links.iter().map(|(key, stored)| (key.clone(), class(&stored.link))).collect();
        work::arrived(&mut tx, &due, now);
        tx.commit().await?;
        forgotten += links.len();
        last = Some(newest);
    }
}
