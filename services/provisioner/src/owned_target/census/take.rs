//! Takes a census: page after page, beside the work and after it.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tokio::time::sleep;
use tracing::{debug, info};
use xtsync_directory::{CensusPage, Cursor, Error};
use xtsync_domain::Timestamp;

use super::AGE;
use crate::owned_target::OwnedTarget;
use crate::owned_target::breaker::Passage;

/// The most requests of one census. With full pages of Graph they list a million objects.
const PAGES_MAX: u32 = 1_000;

/// How long it waits at a time while the target is eased.
const EASED_WAIT: Duration = Duration::from_millis(500);

/// A census that is being taken; given up if this is dropped before it is complete.
struct Taking<'a> {
    owned: &'a OwnedTarget,
    began: Timestamp,
    pages: u32,
}

/// Lists the target once. Dropping it leaves no part of it.
pub(crate) async fn take(owned: Arc<OwnedTarget>) {
    let mut taking = Taking::begin(&owned);
    match taking.list().await {
        Ok(()) => {
            owned.census().complete(taking.began, taking.pages);
            info!(target = %owned.target, pages = taking.pages, "a census answers look-ups");
        }
        Err(reason) => debug!(target = %owned.target, reason, "no census"),
    }
}

impl<'a> Taking<'a> {
    fn begin(owned: &'a OwnedTarget) -> Self {
        let began = owned.context.now();
        let seed = owned.jitter().random();
        owned.census().begin(began, seed);
        Self { owned, began, pages: 0 }
    }

    /// All pages, or why not.
    async fn list(&mut self) -> Result<(), String> {
        let mut cursor = None;
        while self.pages < PAGES_MAX {
            let page = self.page(cursor.as_ref()).await?;
            self.pages += 1;
            self.owned.census().list(self.began, &page.keys);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
        Err("the target is too large".to_owned())
    }

    /// One page, as soon as the target has room for it.
    async fn page(&self, cursor: Option<&Cursor>) -> Result<CensusPage, String> {
        while self.owned.context.now() < self.began.plus(AGE) {
            let capacity = self.owned.capacity(self.owned.context.now());
            if capacity.is_leavers_only || capacity.others != Passage::Free {
                sleep(EASED_WAIT).await;
                continue;
            }
            match self.owned.directory.census(cursor).await {
                Err(Error::Throttled { wait }) => sleep(wait).await,
                page => return page.map_err(|error| error.to_string()),
            }
        }
        Err("it took too long".to_owned())
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        self.owned.census().give_up(self.began, self.owned.context.now());
    }
}
