//! Which directory the tenant's domain leads to: nothing is read into the mirror of one directory from another.
//!
//! The first one is the tenant's, until an operator confirms another (`xtsync tenant confirm`); then the mirror is read anew from the
//! beginning. The directory is asked which one it is with the first page of a full read, and by a replica that takes the tenant up; otherwise with
//! the other facts.

use tracing::warn;
use xtsync_domain::{DirectoryId, Timestamp};

use super::Tenant;
use crate::error::Error;
use crate::full::Reason;

impl Tenant {
    /// Why nothing is read, by stable code; empty where it is.
    pub(crate) fn blocked(&self) -> &'static str {
        if self.is_other_directory() { "directory_changed" } else { "" }
    }

    /// Whether its domain leads to another directory than the tenant is.
    pub(super) fn is_other_directory(&self) -> bool {
        let own = self.spec.directory.as_ref().or(self.sync_state.directory.as_ref());
        matches!((own, &self.facts.identity), (Some(own), Some(identity)) if own != identity)
    }

    /// Makes sure that what is read next is of the tenant's own directory; false where it is not.
    pub(super) async fn identify(&mut self, now: Timestamp) -> Result<bool, Error> {
        let identity = match self.facts.identity.clone() {
            Some(identity) => identity,
            None => self.source.identity().await?.directory_id,
        };
        Ok(self.adopt(identity, now))
    }

    /// Notes which directory it is that is read. False where it is not the tenant's own; everything is read from one that was confirmed.
    pub(super) fn adopt(&mut self, identity: DirectoryId, now: Timestamp) -> bool {
        self.facts.identity = Some(identity.clone());
        if self.is_other_directory() {
            warn!(tenant = %self.name, directory = %identity, "the domain leads to another directory: nothing is read");
            self.renew_facts();
            return false;
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
        true
    }
}
