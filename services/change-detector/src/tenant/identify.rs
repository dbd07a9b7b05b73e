//! Which directory the tenant's domain leads to: nothing is read into the mirror of one directory from another.
//!
//! The first one is the tenant's, until an operator confirms another (`xtsync tenant confirm`); then the mirror is read anew from the
//! beginning. The directory is asked before everything is read, and by a replica that takes the tenant up; after that with the other facts.

use tracing::warn;
use xtsync_domain::Timestamp;

use super::Tenant;
use crate::error::Error;
use crate::full::{FullPhase, Reason};

impl Tenant {
    /// Why nothing is read, by stable code; empty where it is.
    pub(crate) fn blocked(&self) -> &'static str {
        if self.is_other_directory() { "directory_changed" } else { "" }
    }

    /// Whether its domain leads to another directory than the tenant is.
    pub(super) fn is_other_directory(&self) -> bool {
        let own = self.spec.directory.as_ref().or(self.sync_state.directory.as_ref());
        matches!((own, &self.identity), (Some(own), Some(identity)) if own != identity)
    }

    /// Makes sure that what is read next is of the tenant's own directory; false where it is not.
    pub(super) async fn identify(&mut self, now: Timestamp) -> Result<bool, Error> {
        let identity = match self.identity.take().filter(|_| !self.is_at_beginning()) {
            Some(identity) => identity,
            None => self.source.identity().await?.directory_id,
        };
        self.identity = Some(identity.clone());
        if self.is_other_directory() {
            warn!(tenant = %self.name, directory = %identity, "the domain leads to another directory: nothing is read");
            self.facts_due = Timestamp(0);
            return Ok(false);
        }
        if self.sync_state.directory.as_ref() != Some(&identity) {
            if self.sync_state.directory.is_some() {
                warn!(tenant = %self.name, directory = %identity, "the tenant is another directory: everything is read from it");
                self.sync_state.void();
                self.begin_full(Reason::Void, now);
            }
            // Stored with the first page that is read there; until then the next owner finds the same.
            self.sync_state.directory = Some(identity);
        }
        Ok(true)
    }

    /// Whether a full read is at its beginning.
    fn is_at_beginning(&self) -> bool {
        self.sync_state.full.as_ref().is_some_and(|full| full.phase == FullPhase::Groups(None))
    }
}
