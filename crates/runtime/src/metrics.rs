//! Metrics: one meter, its Prometheus registry, and the metrics that several services share.
//!
//! A service declares its own metrics in one file, with [`meter()`]. Labels are roles, tenants, kinds and codes; never users or values.

mod process;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry_prometheus::ResourceSelector;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;
use xtsync_domain::TenantName;

pub(crate) use process::process;

/// Seconds: from five milliseconds to an hour.
const LATENCY_BOUNDS: [f64; 20] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];

/// The meter of the process; it records nothing before telemetry has started.
#[must_use]
pub fn meter() -> Meter {
    opentelemetry::global::meter("xtsync")
}

/// A histogram of seconds, with explicit buckets: the library's defaults are for milliseconds.
#[must_use]
pub fn seconds(meter: &Meter, name: &'static str, help: &'static str) -> Histogram<f64> {
    meter.f64_histogram(name).with_description(help).with_boundaries(LATENCY_BOUNDS.to_vec()).build()
}

/// The two latency metrics: the directory's, and the one of xtsync.
#[derive(Debug, Clone)]
pub struct LatencyMetrics {
    directory: Histogram<f64>,
    change_to_target: Histogram<f64>,
}

impl LatencyMetrics {
    /// Declares the metrics.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        const DIRECTORY: &str = "From a change in the source directory until the directory reported it.";
        const CHANGE_TO_TARGET: &str = "From the detection of a change until the target has it.";
        Self {
            directory: seconds(meter, "xtsync_directory_lag_seconds", DIRECTORY),
            change_to_target: seconds(meter, "xtsync_change_to_target_seconds", CHANGE_TO_TARGET),
        }
    }

    /// Records how long after a change the directory reported it.
    pub fn directory(&self, tenant: &TenantName, lag: Duration) {
        self.directory.record(lag.as_secs_f64(), &[KeyValue::new("tenant", tenant.to_string())]);
    }

    /// Records the time from the detection of a change until the target has it. `origin` is `live`, `initial`, `replay` or `republish`.
    pub fn change_to_target(&self, source: &TenantName, target: &TenantName, origin: &'static str, took: Duration) {
        let labels =
            [KeyValue::new("source", source.to_string()), KeyValue::new("target", target.to_string()), KeyValue::new("origin", origin)];
        self.change_to_target.record(took.as_secs_f64(), &labels);
    }
}

/// A provider with its own registry.
pub(crate) fn provider(resource: Resource) -> Result<(SdkMeterProvider, Registry), OTelSdkError> {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_target_info()
        .scope_info_enabled(false)
        .with_resource_selector(ResourceSelector::None)
        .build()?;
    Ok((SdkMeterProvider::builder().with_reader(exporter).with_resource(resource).build(), registry))
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider as _;
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn latency_metrics_have_their_prometheus_names() {
        let (provider, registry) = provider(Resource::builder_empty().build()).unwrap();
        let latency = LatencyMetrics::new(&provider.meter("test"));
        let (emea, hub) = (TenantName::new("emea").unwrap(), TenantName::new("hub").unwrap());
        latency.directory(&emea, Duration::from_secs(3));
        latency.change_to_target(&emea, &hub, "live", Duration::from_millis(30));
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for line in [
            r#"xtsync_directory_lag_seconds_sum{tenant="emea"} 3"#,
            r#"xtsync_change_to_target_seconds_bucket{origin="live",source="emea",target="hub",le="0.025"} 0"#,
            r#"xtsync_change_to_target_seconds_bucket{origin="live",source="emea",target="hub",le="0.05"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
