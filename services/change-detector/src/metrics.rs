//! The detector's metrics: names, help and labels in one place.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use xtsync_domain::{TenantName, Timestamp};
use xtsync_platform::metrics::{self, Lateness};

/// The detector's metrics.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    published: Counter<u64>,
    rounds: Counter<u64>,
    changes: Counter<u64>,
    failures: Counter<u64>,
    lateness: Lateness,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = metrics::meter();
        Self {
            published: meter.u64_counter("xtsync_detector_published").with_description("user deltas published").build(),
            rounds: meter.u64_counter("xtsync_detector_rounds").with_description("rounds of detection completed").build(),
            changes: meter.u64_counter("xtsync_detector_changes").with_description("changes read from directories, by kind").build(),
            failures: meter.u64_counter("xtsync_detector_failures").with_description("steps that failed, by code").build(),
            lateness: Lateness::new(&meter),
        }
    }

    pub(crate) fn published(&self, tenant: &TenantName, records: usize) {
        self.published.add(records as u64, &[tenant_label(tenant)]);
    }

    pub(crate) fn round(&self, tenant: &TenantName) {
        self.rounds.add(1, &[tenant_label(tenant)]);
    }

    pub(crate) fn read(&self, tenant: &TenantName, kind: &'static str, changes: usize) {
        self.changes.add(changes as u64, &[tenant_label(tenant), KeyValue::new("kind", kind)]);
    }

    pub(crate) fn failed(&self, tenant: &TenantName, code: &'static str) {
        self.failures.add(1, &[tenant_label(tenant), KeyValue::new("code", code)]);
    }

    /// How late a directory told of something it says happened at `happened`.
    pub(crate) fn directory_lag(&self, tenant: &TenantName, happened: Timestamp, seen: Timestamp) {
        self.lateness.directory(tenant, seen.since(happened));
    }
}

fn tenant_label(tenant: &TenantName) -> KeyValue {
    KeyValue::new("tenant", tenant.to_string())
}
