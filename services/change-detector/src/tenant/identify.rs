//! Which directory the tenant's domain leads to: nothing is read into the mirror of one directory from another.
//!
//! The first one is the tenant's, until an operator confirms another (`xtsync tenant confirm`); then the mirror is read anew from the
//! beginning. The directory is asked before everything is read, and by whoever takes the tenant up; after that with the other facts.

use tracing::warn;
use xtsync_domain::Timestamp;

use super::Tenant;
use crate::error::Error;
use crate::full::{FullPhase, Reason};

impl Tenant {
    /// Why nothing is read, by stable code; empty where it is.
    pub(crate) fn blocked(&self) -> &'static str {
        if self.is_elsewhere() { "directory_changed" } else { "" }
    }

    /// Whether its domain leads to another directory than the tenant is.
    pub(super) fn is_elsewhere(&self) -> bool {
        let own = self.order.directory.as_ref().or(self.reading.directory.as_ref());
        matches!((own, &self.identity), (Some(own), Some(identity)) if own != identity)
    }

    /// Makes sure that what is read next is of the tenant's own directory; false where it is not.
    pub(super) async fn identify(&mut self, now: Timestamp) -> Result<bool, Error> {
        let identity = match self.identity.take().filter(|_| !self.reads_from_nothing()) {
            Some(identity) => identity,
            None => self.source.identity().await?.directory_id,
        };
        self.identity = Some(identity.clone());
        if self.is_elsewhere() {
            warn!(tenant = %self.name, directory = %identity, "the domain leads to another directory: nothing is read");
            self.facts_due = Timestamp(0);
            return Ok(false);
        }
        if self.reading.directory.as_ref() != Some(&identity) {
            if self.reading.directory.is_some() {
                warn!(tenant = %self.name, directory = %identity, "the tenant is another directory: everything is read from it");
                self.reading.void();
                self.begin_full(Reason::Void, now);
            }
            // Stored with the first page that is read there; until then whoever comes next finds the same.
            self.reading.directory = Some(identity);
        }
        Ok(true)
    }

    /// Whether a full read is at its beginning.
    fn reads_from_nothing(&self) -> bool {
        self.reading.full.as_ref().is_some_and(|full| full.phase == FullPhase::Groups(None))
    }
}
