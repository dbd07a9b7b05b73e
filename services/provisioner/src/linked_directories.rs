//! Which directory the links of each target are of: the gate is closed while the configuration says another one.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use xtsync_domain::{Configuration, DirectoryId, TenantName};

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

    pub(crate) fn record(&self, target: &TenantName, directory: DirectoryId) {
        self.0.write().insert(target.clone(), directory);
    }

    /// The target is worked on no more, or by a worker that looks again before it begins.
    pub(crate) fn forget(&self, target: &TenantName) {
        self.0.write().remove(target);
    }
}
