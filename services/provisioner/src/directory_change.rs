//! A target that an operator has confirmed to be another directory: no id of an object means anything there. So each of its links forgets
//! its object, and finds it again by its anchor if an administrator moved it; otherwise the user is created anew.
//!
//! The store records the directory of the links, and changes it after all links have forgotten: an interrupted change starts again.
//! Until they have, the gate is closed ([`LinkedDirectories`]): the configuration says the new directory before the worker is made anew.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use xtsync_domain::link::RowUpdate;
use xtsync_domain::link::class::class;
use xtsync_domain::{Configuration, DirectoryId, TenantName, version};
use xtsync_store::Epoch;

use crate::error::Result;
use crate::follow;
use crate::table::waiting::Waits;
use crate::table::{Key, link, target, work};
use crate::worker::Worker;

/// Links in one transaction.
const CHUNK: u32 = 500;

/// Which directory the links of each target are of, as the owner has read or noted it.
#[derive(Debug, Default)]
pub(crate) struct LinkedDirectories(RwLock<BTreeMap<TenantName, DirectoryId>>);

impl LinkedDirectories {
    /// Whether a target is configured as another directory than the one its links are of.
    pub(crate) fn is_other(&self, target: &TenantName, configuration: &Configuration) -> bool {
        let directories = self.0.read();
        let known = directories.get(target).zip(configuration.directory(target));
        known.is_some_and(|(known, configured)| known != configured)
    }

    fn record(&self, target: &TenantName, directory: DirectoryId) {
        self.0.write().insert(target.clone(), directory);
    }

    /// The target is worked on no more, or by a worker that looks again before it begins.
    pub(crate) fn forget(&self, target: &TenantName) {
        self.0.write().remove(target);
    }
}

/// Has all links forget their objects where the target is another directory than theirs. Before any of them is worked on.
pub(crate) async fn check(worker: &Worker, epoch: Epoch) -> Result<()> {
    let (context, target) = (&worker.context, &worker.target);
    let pinned = context.configuration().directory(target).cloned();
    let known = target::directory(&context.store, target).await?;
    if let Some(known) = &known {
        context.directories.record(target, known.clone());
    }
    let Some(pinned) = pinned.filter(|pinned| known.as_ref() != Some(pinned)) else { return Ok(()) };
    let Some(former) = known else { return store(worker, epoch, pinned).await };
    let links = forget(worker, epoch).await?;
    tracing::warn!(%target, %former, directory = %pinned, links, "the target is another directory: its links forget their objects");
    store(worker, epoch, pinned).await?;
    // Whatever waited for that, or was refused by the former one.
    follow::wake(context, Waits::HeldOrRefused, |_, opened| opened == target).await.map(drop)
}

/// Notes which directory the links are of, once that is known.
pub(crate) async fn record(worker: &Worker, epoch: Epoch) -> Result<()> {
    let context = &worker.context;
    let Some(pinned) = context.configuration().directory(&worker.target).cloned() else { return Ok(()) };
    match target::directory(&context.store, &worker.target).await? {
        None => store(worker, epoch, pinned).await,
        Some(_) => Ok(()),
    }
}

async fn store(worker: &Worker, epoch: Epoch, directory: DirectoryId) -> Result<()> {
    let mut tx = worker.begin(epoch).await?;
    target::set_directory(&mut tx, &worker.target, &directory).await?;
    tx.commit().await?;
    worker.context.directories.record(&worker.target, directory);
    Ok(())
}

/// Makes every link forget its object, in chunks; returns the number.
async fn forget(worker: &Worker, epoch: Epoch) -> Result<usize> {
    let (context, now) = (&worker.context, worker.context.now());
    let (mut last, mut forgotten) = (None::<Key>, 0);
    loop {
        let keys = link::with_object_after(&context.store, &worker.target, last.as_ref(), CHUNK).await?;
        let Some(newest) = keys.last().cloned() else { return Ok(forgotten) };
        let mut tx = worker.begin(epoch).await?;
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
