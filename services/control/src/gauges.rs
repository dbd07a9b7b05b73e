//! Gauges with the numbers of each synchronization, for dashboards and alerts.
//!
//! Only the leader exports them; otherwise old values of a standby replica would appear beside the current ones.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};
use parking_lot::{Mutex, MutexGuard};

use crate::counted::Counted;

/// The numbers of the last count; empty while this replica does not lead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauges(Arc<Mutex<Vec<Counted>>>);

impl Gauges {
    /// Registers the gauges.
    pub(crate) fn new(meter: &Meter) -> Self {
        let gauges = Self::default();
        let (users, links) = (gauges.clone(), gauges.clone());
        meter
            .u64_observable_gauge("xtsync_synchronization_users")
            .with_description("Shadow users by state: present, disabled or deleted.")
            .with_callback(move |observer| users.observe(observer, "state", Counted::users))
            .build();
        meter
            .u64_observable_gauge("xtsync_synchronization_links")
            .with_description("Links that differ from the desired state, by reason: undecided, waiting, grace, held, conflict or refused.")
            .with_callback(move |observer| links.observe(observer, "condition", Counted::links))
            .build();
        gauges
    }

    fn observe<const N: usize>(&self, observer: &dyn AsyncInstrument<u64>, by: &'static str, of: fn(&Counted) -> [(&'static str, u64); N]) {
        for one in self.lock().iter() {
            for (value, number) in of(one) {
                let labels = [
                    KeyValue::new("source", one.source.clone()),
                    KeyValue::new("target", one.target.clone()),
                    KeyValue::new("synchronization", one.name.clone()),
                    KeyValue::new(by, value),
                ];
                observer.observe(number, &labels);
            }
        }
    }

    /// Sets the numbers.
    pub(crate) fn set(&self, counted: Vec<Counted>) {
        *self.lock() = counted;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Counted>> {
        self.0.lock()
    }
}

/// Clears the gauges when this replica stops leading.
pub(crate) struct ResetOnDrop<'a>(pub(crate) &'a Gauges);

impl Drop for ResetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use prometheus::{Registry, TextEncoder};

    use super::*;

    #[test]
    fn gauges_are_exposed_only_while_this_replica_leads() {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().unwrap();
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let gauges = Gauges::new(&provider.meter("test"));
        let rendered = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let counted = Counted {
            name: "to-hub".into(),
            source: "emea".into(),
            target: "hub".into(),
            present: 7,
            held: 2,
            grace: 1,
            ..Counted::default()
        };
        {
            let reset = ResetOnDrop(&gauges);
            reset.0.set(vec![counted]);
            let text = rendered();
            for want in [
                ("xtsync_synchronization_users{", r#"state="present""#, " 7"),
                ("xtsync_synchronization_links{", r#"condition="held""#, " 2"),
                ("xtsync_synchronization_links{", r#"condition="grace""#, " 1"),
                ("xtsync_synchronization_links{", r#"condition="refused""#, " 0"),
            ] {
                let (name, label, value) = want;
                assert!(
                    text.lines().any(|line| line.starts_with(name) && line.contains(label) && line.ends_with(value)),
                    "{want:?} in\n{text}"
                );
            }
        }
        assert!(!rendered().contains("xtsync_synchronization"), "this replica no longer leads");
    }
}
