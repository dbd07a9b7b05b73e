//! Heartbeats: which statuses of replicas count, and as of when.
//!
//! A replica publishes the status of a tenant on change, and one heartbeat for all of them. So a status counts as long as the heartbeat of its
//! replica does. A status from before the replica started again counts no more: its heartbeat names another start.

use std::collections::BTreeMap;

use xtsync_contract::internal::RoleStatus;

/// The newest heartbeat of each replica, by role and replica.
pub(crate) struct Heartbeats<'a>(BTreeMap<(&'a str, &'a str), &'a RoleStatus>);

impl<'a> Heartbeats<'a> {
    /// Picks the heartbeats among the records of the topic: those without a tenant.
    pub(crate) fn of(records: impl IntoIterator<Item = &'a RoleStatus>) -> Self {
        let heartbeats = records.into_iter().filter(|record| record.tenant.is_empty());
        Self(heartbeats.map(|record| ((record.role.as_str(), record.replica.as_str()), record)).collect())
    }

    /// Returns the heartbeat that belongs to a status; `None` if the replica has none since the start that the status names.
    pub(crate) fn of_status(&self, status: &RoleStatus) -> Option<&'a RoleStatus> {
        let heartbeat = self.0.get(&(status.role.as_str(), status.replica.as_str())).copied();
        heartbeat.filter(|heartbeat| heartbeat.reporting_since == status.reporting_since)
    }
}

/// Returns the statuses of tenants that belong to a heartbeat, each as of that heartbeat.
pub(crate) fn statuses(records: &[RoleStatus]) -> Vec<RoleStatus> {
    let heartbeats = Heartbeats::of(records);
    let of_tenants = records.iter().filter(|record| !record.tenant.is_empty());
    of_tenants.filter_map(|status| Some(RoleStatus { at: heartbeats.of_status(status)?.at, ..status.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use xtsync_contract::convert::wire_time;
    use xtsync_domain::Timestamp;

    use super::*;

    fn record(replica: &str, tenant: &str, since: i64, at: i64) -> RoleStatus {
        RoleStatus {
            role: "policy".into(),
            replica: replica.into(),
            tenant: tenant.into(),
            reporting_since: Some(wire_time(Timestamp(since))),
            at: Some(wire_time(Timestamp(at))),
            ..RoleStatus::default()
        }
    }

    #[test]
    fn a_status_counts_as_of_the_heartbeat_of_its_replica_since_the_same_start() {
        let other_role = RoleStatus { role: "provisioner".into(), ..record("silent", "", 1, 90) };
        let records = [
            record("r1", "", 10, 95),
            record("r1", "emea", 10, 11),
            record("r1", "us", 10, 94),
            // The process before had the same name.
            record("r1", "hub", 1, 9),
            // A former replica of another name still has its own time.
            record("r0", "", 1, 9),
            record("r0", "emea", 1, 2),
            // No heartbeat is known.
            record("silent", "emea", 1, 94),
            other_role,
        ];
        let text = |status: &RoleStatus| (status.replica.clone(), status.tenant.clone(), status.at);
        let at = |micros| Some(wire_time(Timestamp(micros)));
        let want = [("r1".to_owned(), "emea".to_owned(), at(95)), ("r1".into(), "us".into(), at(95)), ("r0".into(), "emea".into(), at(9))];
        assert_eq!(statuses(&records).iter().map(text).collect::<Vec<_>>(), want);
    }
}
