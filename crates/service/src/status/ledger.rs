//! What a replica has published of its status, and what is due.
//!
//! Control removes the records of a replica that is silent for minutes. A replica that was silent for longer than [`GAP_MAX`], because it did
//! not run or could not publish, therefore reports anew: under another start, and so under other keys, it publishes every status again. So
//! neither a tombstone nor a late record of the time before can hit a record that counts.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;
use xtsync_bus::Outgoing;
use xtsync_contract::convert::wire_time;
use xtsync_contract::internal::RoleStatus;
use xtsync_contract::role::Role;
use xtsync_contract::{event, topic};
use xtsync_domain::{Timestamp, key};

/// How often the heartbeat is published. A replica without a heartbeat for longer counts as absent.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The longest time between two heartbeats after which the statuses published before still count as published.
pub const GAP_MAX: Duration = Duration::from_secs(60);

/// The shortest time between two publications of a tenant's status if nothing but counters changes: the longer of this and
/// [`COUNTER_SHARE`] for each tenant.
const COUNTER_INTERVAL: Duration = Duration::from_secs(1);

/// The share of a tenant in the time of its replica: changed counters make 50 records a second, however many tenants there are.
const COUNTER_SHARE: Duration = Duration::from_millis(20);

/// By tenant.
pub(super) type Statuses = BTreeMap<String, RoleStatus>;

/// What is published.
#[derive(Debug)]
pub(super) struct Ledger {
    role: Role,
    replica: String,
    /// Since when the replica has been reporting.
    since: Timestamp,
    /// When the newest heartbeat was published.
    heartbeat_at: Option<Timestamp>,
    next_heartbeat: Instant,
    /// The newest publication of each tenant's status, and when it began. `None` for the status if it is unknown whether it succeeded.
    published: BTreeMap<String, (Option<RoleStatus>, Instant)>,
}

/// What is due at a time.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) records: Vec<Outgoing>,
    /// Whether a change is due only later.
    pub(super) is_postponed: bool,
    heartbeat_at: Option<Timestamp>,
    changed: Vec<RoleStatus>,
    ended: Vec<String>,
}

impl Ledger {
    /// Nothing is published yet; the first heartbeat is due at once.
    pub(super) fn new(role: Role, replica: &str, now: Instant) -> Self {
        let published = BTreeMap::new();
        Self { role, replica: replica.to_owned(), since: Timestamp(0), heartbeat_at: None, next_heartbeat: now, published }
    }

    /// When the next heartbeat is due.
    pub(super) fn next_heartbeat(&self) -> Instant {
        self.next_heartbeat
    }

    /// Returns what is due: the heartbeat, changed statuses, and tombstones of those that are gone. Nothing is postponed if it is the last time.
    pub(super) fn due(&mut self, statuses: &Statuses, time: Timestamp, now: Instant, is_last: bool) -> Due {
        let mut due = Due::default();
        if self.next_heartbeat <= now {
            self.next_heartbeat = now + HEARTBEAT_INTERVAL;
            if self.heartbeat_at.is_none_or(|at| GAP_MAX <= time.since(at)) {
                self.since = time;
                self.published.clear();
            }
            due.heartbeat_at = Some(time);
            due.records.push(self.record(&RoleStatus::default(), time));
        }
        let interval = COUNTER_INTERVAL.max(COUNTER_SHARE * u32::try_from(statuses.len()).unwrap_or(u32::MAX));
        for (tenant, status) in statuses {
            match self.published.get(tenant) {
                Some((Some(published), _)) if published == status => {}
                Some((Some(published), at)) if !is_last && now < *at + interval && is_alike(published, status) => {
                    due.is_postponed = true;
                }
                Some(_) | None => {
                    due.records.push(self.record(status, time));
                    due.changed.push(status.clone());
                    self.published.insert(tenant.clone(), (None, now));
                }
            }
        }
        due.ended = self.published.keys().filter(|tenant| !statuses.contains_key(*tenant)).cloned().collect();
        due.records.extend(due.ended.iter().map(|tenant| Outgoing::tombstone(topic::STATUS.topic(), &self.key(tenant))));
        due
    }

    /// Records that everything that was due is published.
    pub(super) fn confirm(&mut self, due: Due) {
        self.heartbeat_at = due.heartbeat_at.or(self.heartbeat_at);
        for status in due.changed {
            if let Some((published, _)) = self.published.get_mut(&status.tenant) {
                *published = Some(status);
            }
        }
        due.ended.iter().for_each(|tenant| drop(self.published.remove(tenant)));
    }

    fn record(&self, status: &RoleStatus, time: Timestamp) -> Outgoing {
        let key = self.key(&status.tenant);
        let status = RoleStatus {
            role: self.role.to_string(),
            replica: self.replica.clone(),
            at: Some(wire_time(time)),
            reporting_since: Some(wire_time(self.since)),
            ..status.clone()
        };
        event::record::<RoleStatus>(self.role, topic::STATUS.topic(), &key, time.0, time, None, status.encode_to_vec())
    }

    /// The key of a tenant's status, or of the heartbeat if there is no tenant.
    fn key(&self, tenant: &str) -> String {
        let Self { role, replica, since, .. } = self;
        let role = role.to_string();
        match tenant {
            "" => key::compose([&role, replica]),
            tenant => key::compose([&role, replica, &since.0.to_string(), tenant]),
        }
    }
}

/// Whether two statuses differ at most in the numbers and times that change while a role works. The revision is one of them: control makes one
/// for each tenant whose directory becomes known, which changes the statuses of all tenants.
fn is_alike(one: &RoleStatus, other: &RoleStatus) -> bool {
    let without = |status: &RoleStatus| {
        let (pending, held) = (BTreeMap::new(), BTreeMap::new());
        RoleStatus { revision: 0, cycle: 0, lag: 0, degraded: 0, pending, held, next_try: None, ..status.clone() }
    };
    without(one) == without(other)
}

#[cfg(test)]
mod tests;
