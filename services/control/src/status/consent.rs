//! Whether a pair of tenants may be written: evaluates the gate with the facts in the read model.

use std::collections::BTreeMap;

use xtsync_domain::access::PolicySnapshot;
use xtsync_domain::configuration::NamedSynchronization;
use xtsync_domain::fact::AccessPolicy;
use xtsync_domain::gate::{Terms, Verdict, gate_of_pair};
use xtsync_domain::identity::Directories;
use xtsync_domain::{TenantName, Timestamp};

use crate::warnings::Identities;

/// The access policy of each tenant that the detector has read, with the time of the reading.
pub(crate) type Policies = BTreeMap<TenantName, (AccessPolicy, Timestamp)>;

/// Returns the gate's stable code of why a synchronization does not write; empty if the gate is open.
pub(crate) fn blocked(
    synchronization: &NamedSynchronization,
    directories: &Directories,
    (identities, policies): (&Identities, &Policies),
    now: Timestamp,
) -> &'static str {
    let (source, target) = (&synchronization.source, &synchronization.spec.to);
    let snapshot = |tenant| {
        let (identity, (policy, read_at)) = (identities.get(tenant)?, policies.get(tenant)?);
        Some(PolicySnapshot { directory_id: &identity.directory_id, policy, read_at: *read_at })
    };
    let terms = Terms {
        source: snapshot(source),
        target: snapshot(target),
        // Only the gate of an invitation needs it.
        home: None,
        mode: Some(synchronization.spec.mode),
        is_frozen: false,
        is_quarantined: false,
        // The provisioner reports this in its own status.
        is_observe_only: false,
        fault: directories.fault(source).or_else(|| directories.fault(target)),
        allowances: BTreeMap::new(),
    };
    match gate_of_pair(&terms, now) {
        Verdict::Open => "",
        Verdict::Closed(why) => why.code(),
    }
}
