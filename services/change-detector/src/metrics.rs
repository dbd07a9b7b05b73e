//! The detector's metrics: names, help and labels in one place.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use xtsync_domain::{TenantName, Timestamp};
use xtsync_runtime::metrics::{self, LatencyMetrics};

/// The detector's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    published: Counter<u64>,
    republished: Counter<u64>,
    cycles: Counter<u64>,
    changes: Counter<u64>,
    failures: Counter<u64>,
    missed_changes: Counter<u64>,
    notifications: Counter<u64>,
    subscriptions: Gauge<u64>,
    held: Gauge<u64>,
    latency: LatencyMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = metrics::meter();
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        Self {
            published: counter("xtsync_detector_published", "User deltas published."),
            republished: counter("xtsync_detector_republished", "User deltas published again with unchanged versions."),
            cycles: counter("xtsync_detector_cycles", "Sync cycles completed."),
            changes: counter("xtsync_detector_changes", "Changes read from directories, by kind."),
            failures: counter("xtsync_detector_failures", "Steps that failed, by code."),
            missed_changes: counter(
                "xtsync_detector_missed_changes",
                "Users whose change a full read found and no delta query had reported.",
            ),
            notifications: counter("xtsync_detector_notifications", "Change notifications, by whether their client state is known."),
            subscriptions: meter
                .u64_gauge("xtsync_detector_subscriptions")
                .with_description("Subscriptions to change notifications in force; fewer than two leave a tenant to its poll interval.")
                .build(),
            held: meter
                .u64_gauge("xtsync_detector_held")
                .with_description("Users held by the removal guard, by reason; anything but 0 needs an administrator.")
                .build(),
            latency: LatencyMetrics::new(&meter),
        }
    }

    pub(crate) fn published(&self, tenant: &TenantName, records: usize) {
        self.published.add(records as u64, &[tenant_label(tenant)]);
    }

    pub(crate) fn republished(&self, tenant: &TenantName, records: usize) {
        self.republished.add(records as u64, &[tenant_label(tenant)]);
    }

    pub(crate) fn cycle_completed(&self, tenant: &TenantName) {
        self.cycles.add(1, &[tenant_label(tenant)]);
    }

    pub(crate) fn read(&self, tenant: &TenantName, kind: &'static str, changes: usize) {
        self.changes.add(changes as u64, &[tenant_label(tenant), KeyValue::new("kind", kind)]);
    }

    pub(crate) fn failed(&self, tenant: &TenantName, code: &'static str) {
        self.failures.add(1, &[tenant_label(tenant), KeyValue::new("code", code)]);
    }

    /// Counts users whose change a full read found and no delta query had reported.
    pub(crate) fn missed_changes(&self, tenant: &TenantName, users: u64) {
        self.missed_changes.add(users, &[tenant_label(tenant)]);
    }

    /// Counts notifications with a known client state, and those with another or none.
    pub(crate) fn notifications(&self, accepted: usize, foreign: usize) {
        for (result, number) in [("accepted", accepted), ("foreign", foreign)] {
            self.notifications.add(number as u64, &[KeyValue::new("result", result)]);
        }
    }

    /// How many subscriptions of a tenant are in force.
    pub(crate) fn subscriptions(&self, tenant: &TenantName, number: usize) {
        self.subscriptions.record(number as u64, &[tenant_label(tenant)]);
    }

    /// How many users of a tenant the removal guard holds for a reason.
    pub(crate) fn held(&self, tenant: &TenantName, reason: &'static str, users: u64) {
        self.held.record(users, &[tenant_label(tenant), KeyValue::new("reason", reason)]);
    }

    /// The delay between a change, at the time that the directory gives for it, and its report.
    pub(crate) fn directory_lag(&self, tenant: &TenantName, happened: Timestamp, seen: Timestamp) {
        self.latency.directory(tenant, seen.since(happened));
    }
}

fn tenant_label(tenant: &TenantName) -> KeyValue {
    KeyValue::new("tenant", tenant.to_string())
}
