//! Everything the provisioner counts. Labels are tenants, calls, verbs and reasons; never users or values.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use xtsync_domain::link::{Call, Link, Verb};
use xtsync_domain::{Origin, TenantName};
use xtsync_runtime::metrics::{LatencyMetrics, meter, seconds};

/// The provisioner's metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    latency: LatencyMetrics,
    calls: Histogram<f64>,
    census_answers: Counter<u64>,
    outcomes: Counter<u64>,
    closings: Counter<u64>,
    decisions: Counter<u64>,
    panics: Counter<u64>,
    republished: Counter<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = meter();
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        Self {
            latency: LatencyMetrics::new(&meter),
            calls: seconds(&meter, "xtsync_provisioner_call_seconds", "Calls to target tenants, by result."),
            census_answers: counter("xtsync_provisioner_census_answers", "Look-ups that a census answered instead of the target."),
            outcomes: counter("xtsync_provisioner_outcomes", "What was done to target users, by verb and result."),
            closings: counter("xtsync_provisioner_gate_closings", "Calls that the gate did not let start, by reason."),
            panics: counter("xtsync_provisioner_panics", "Jobs that panicked: any is a defect to report."),
            republished: counter("xtsync_provisioner_republished", "Links republished."),
            decisions: counter("xtsync_provisioner_decisions", "Decisions taken in, by what they were."),
        }
    }

    /// A call was answered, or not.
    pub(crate) fn call(&self, target: &TenantName, call: &Call, result: &'static str, took: Duration) {
        let labels = [KeyValue::new("target", target.to_string()), KeyValue::new("call", call.name()), KeyValue::new("result", result)];
        self.calls.record(took.as_secs_f64(), &labels);
    }

    /// A census answered a look-up.
    pub(crate) fn answered_by_census(&self, target: &TenantName) {
        self.census_answers.add(1, &[KeyValue::new("target", target.to_string())]);
    }

    /// Something was done to a target user, or failed until something changes.
    pub(crate) fn outcome(&self, link: &Link, verb: Verb, result: &'static str) {
        let labels = [
            KeyValue::new("source", link.source().to_string()),
            KeyValue::new("target", link.target.to_string()),
            KeyValue::new("verb", verb.name()),
            KeyValue::new("result", result),
        ];
        self.outcomes.add(1, &labels);
    }

    /// The gate was closed.
    pub(crate) fn closed(&self, target: &TenantName, reason: &'static str) {
        self.closings.add(1, &[KeyValue::new("target", target.to_string()), KeyValue::new("reason", reason)]);
    }

    /// A job panicked.
    pub(crate) fn panicked(&self, target: &TenantName) {
        self.panics.add(1, &[KeyValue::new("target", target.to_string())]);
    }

    /// Links were republished.
    pub(crate) fn republished(&self, target: &TenantName, links: usize) {
        self.republished.add(links as u64, &[KeyValue::new("target", target.to_string())]);
    }

    /// Decisions came: `newer`, `equal` (they want what was wanted before), `unlinked` (not wanted or skipped, and without a link), `stale` (known already) or `dead_lettered`.
    pub(crate) fn decisions(&self, target: &TenantName, what: &'static str, count: u64) {
        self.decisions.add(count, &[KeyValue::new("target", target.to_string()), KeyValue::new("what", what)]);
    }

    /// The target has a change.
    pub(crate) fn applied(&self, link: &Link, took: Duration) {
        let origin = match link.desired.origin {
            Origin::Initial => "initial",
            Origin::Live => "live",
            Origin::Replay => "replay",
            Origin::Republish => "republish",
        };
        self.latency.change_to_target(link.source(), &link.target, origin, took);
    }
}
