//! What policy counts: decisions by what they say and why, users evaluated, and how far it is behind.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use xtsync_domain::{TenantName, Wanted};
use xtsync_runtime::metrics::meter;

use crate::partition::Pass;

/// The figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    decisions: Counter<u64>,
    users: Counter<u64>,
    dead_letters: Counter<u64>,
    invalid: Counter<u64>,
    lag: Gauge<u64>,
}

/// What one batch adds to them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    decisions: BTreeMap<(&'static str, &'static str), u64>,
    users: BTreeMap<&'static str, u64>,
    invalid: BTreeMap<String, u64>,
}

impl Metrics {
    /// Declares them.
    pub(crate) fn new() -> Self {
        let meter = meter();
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        Self {
            decisions: counter("xtsync_policy_decisions", "Decisions by what they want and why; `none` where a user was left alone."),
            users: counter("xtsync_policy_users_evaluated", "Users evaluated, live or in a replay."),
            invalid: counter("xtsync_policy_invalid_attributes", "Attributes of a wrong type, which are left as they are, by attribute."),
            dead_letters: counter("xtsync_policy_dead_letters", "Records that could not be used, by reason."),
            lag: meter.u64_gauge("xtsync_policy_lag_records").with_description("Records not evaluated yet, by source.").build(),
        }
    }

    /// Adds a batch.
    pub(crate) fn add(&self, tally: &Tally) {
        for ((decision, reason), count) in &tally.decisions {
            self.decisions.add(*count, &[KeyValue::new("decision", *decision), KeyValue::new("reason", *reason)]);
        }
        for (attribute, count) in &tally.invalid {
            self.invalid.add(*count, &[KeyValue::new("attribute", attribute.clone())]);
        }
        for (pass, count) in &tally.users {
            self.users.add(*count, &[KeyValue::new("pass", *pass)]);
        }
    }

    /// A record went to the dead letters.
    pub(crate) fn dead_lettered(&self, reason: &'static str) {
        self.dead_letters.add(1, &[KeyValue::new("reason", reason)]);
    }

    /// So many records of a source are not evaluated yet.
    pub(crate) fn lag(&self, source: &TenantName, records: u64) {
        self.lag.record(records, &[KeyValue::new("tenant", source.to_string())]);
    }
}

impl Tally {
    /// A user was evaluated.
    pub(crate) fn user(&mut self, pass: Pass) {
        let pass = match pass {
            Pass::Live => "live",
            Pass::Replay => "replay",
        };
        *self.users.entry(pass).or_default() += 1;
    }

    /// An attribute of a user was of a wrong type.
    pub(crate) fn invalid(&mut self, attribute: &str) {
        *self.invalid.entry(attribute.to_owned()).or_default() += 1;
    }

    /// A synchronization decided.
    pub(crate) fn decided(&mut self, wanted: &Wanted) {
        *self.decisions.entry((wanted.code(), wanted.reason())).or_default() += 1;
    }

    /// A synchronization did not decide a user, because the delta has an older projection.
    pub(crate) fn not_decided(&mut self) {
        *self.decisions.entry(("none", "projection_too_old")).or_default() += 1;
    }
}
