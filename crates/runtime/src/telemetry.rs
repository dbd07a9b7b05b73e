//! Telemetry: log lines to standard error, traces to a collector, metrics for a scraper.
//!
//! The log format is text on a terminal, else JSON; text is coloured on a terminal unless `NO_COLOR` is set. `XTSYNC_LOG`, else `RUST_LOG`,
//! filters it. Traces are exported by OTLP (gRPC) if `OTEL_EXPORTER_OTLP_ENDPOINT` is set; the other `OTEL_…` variables have their
//! OpenTelemetry meaning. Metrics are at `/metrics` (see [`crate::admin`]).

mod lines;

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use tracing::Level;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use self::lines::Look;
use crate::metrics;

/// The default log filter: OpenTelemetry logs its own lifecycle at `info`.
const FILTER: &str = "info,opentelemetry=warn";

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON else.
    #[default]
    Auto,
    /// Text for users.
    Text,
    /// JSON for machines: one object per line.
    Json,
}

/// The options of telemetry.
#[derive(Debug, Clone, Default)]
pub struct TelemetryOptions {
    /// The format of log lines.
    pub format: Format,
    /// The log filter, such as `info,xtsync_provisioner=debug`; `None` is `info`.
    pub filter: Option<String>,
    /// Whether to export traces to the collector that the environment names.
    pub export: bool,
}

impl TelemetryOptions {
    /// The options from the environment.
    #[must_use]
    pub fn from_env(format: Format) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"));
        Self { format, filter: set("XTSYNC_LOG").or_else(|| set("RUST_LOG")), export: endpoint.is_some() }
    }
}

/// Keeps telemetry running; dropping it exports what is still buffered.
#[derive(Debug)]
#[must_use = "dropping it ends telemetry"]
pub struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    registry: Registry,
}

impl Telemetry {
    /// The registry behind `/metrics`.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // An unavailable collector must not delay the end of a process, and its error cannot be reported any more.
        self.traces.shutdown().ok();
        self.metrics.shutdown().ok();
    }
}

/// Formats an error and its sources on one line, for logs: an error's own text does not include its source.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    line
}

/// Starts telemetry for the process, once. `role` is the service name for collectors, unless `OTEL_SERVICE_NAME` is set.
///
/// # Errors
/// If the filter cannot be parsed, the collector's address is refused, or telemetry has already started.
pub fn init(role: &str, options: &TelemetryOptions) -> anyhow::Result<Telemetry> {
    let resource = resource(role);
    let traces = tracer_provider(resource.clone(), options.export)?;
    let (metrics, registry) = metrics::provider(resource).context("making the metrics registry")?;
    let filter = options.filter.as_deref().unwrap_or(FILTER);
    let filter = EnvFilter::try_new(filter).with_context(|| format!("reading the log filter '{filter}'"))?;
    let lines = lines::layer(look(options.format), stderr).with_filter(filter);
    let finest = if options.export { Level::DEBUG } else { Level::INFO };
    // A job's span is entered with each poll. Its trace is read from the span directly, so entering needs no context update.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("xtsync"))
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_threads(false)
        .with_location(false)
        .with_filter(traced(finest));
    tracing_subscriber::registry().with(lines).with(spans).try_init().context("starting telemetry a second time")?;
    opentelemetry::global::set_meter_provider(metrics.clone());
    metrics::process(role);
    Ok(Telemetry { traces, metrics, registry })
}

fn resource(role: &str) -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let builder = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if named { builder.build() } else { builder.with_service_name(format!("xtsync-{role}")).build() }
}

/// The sampler is the SDK's: parent-based for all spans, or as `OTEL_TRACES_SAMPLER` says.
fn tracer_provider(resource: Resource, export: bool) -> anyhow::Result<SdkTracerProvider> {
    let builder = SdkTracerProvider::builder().with_resource(resource);
    if !export {
        return Ok(builder.build());
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build().context("preparing the export of traces")?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// How lines on standard error look.
fn look(format: Format) -> Look {
    let terminal = stderr().is_terminal();
    // https://no-color.org: any value except an empty one.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match (format, terminal) {
        (Format::Text, _) | (Format::Auto, true) => Look::Text { is_coloured: terminal && !is_plain },
        (Format::Json, _) | (Format::Auto, false) => Look::Json,
    }
}

/// Traces spans of xtsync whatever the log filter is, because a quiet role must not break the trace. Fine spans are traced only if there is
/// a collector: nothing else uses them.
///
/// The filter is asked for each span. Its answer could be kept for a place in the code; but then a question whether a line would be logged,
/// which libraries ask without logging one, leaves the answer "no trace" to the next span of that thread, and that span is lost.
fn traced<S>(finest: Level) -> impl Filter<S> {
    dynamic_filter_fn(move |metadata, _| metadata.is_span() && *metadata.level() <= finest && metadata.target().starts_with("xtsync"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
    use prometheus::TextEncoder;

    use super::*;

    /// How many spans have ended.
    #[derive(Debug, Clone, Default)]
    struct Ended(Arc<AtomicUsize>);

    impl SpanProcessor for Ended {
        fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

        fn on_end(&self, _: SpanData) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn a_question_whether_a_line_would_be_logged_loses_no_span() {
        let ended = Ended::default();
        let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::sink).with_filter(EnvFilter::new("info"));
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test")).with_filter(traced(Level::INFO));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines).with(spans), || {
            for _ in 0..3 {
                assert!(tracing::enabled!(target: "library", Level::INFO));
                drop(tracing::info_span!("user_delta"));
            }
        });
        assert_eq!(ended.0.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn telemetry_starts_once_and_reports_wrong_options() {
        let quiet = |filter: &str| TelemetryOptions { format: Format::Json, filter: Some(filter.to_owned()), export: false };
        let error = init("test", &quiet("info,=,")).unwrap_err();
        assert!(error.to_string().contains("log filter"), "{error}");
        let telemetry = init("test", &quiet("off")).unwrap();
        let text = TextEncoder::new().encode_to_string(&telemetry.registry().gather()).unwrap();
        for line in
            [&format!("xtsync_build_info{{role=\"test\",version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")), "process_cpu_seconds_total "]
        {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} in\n{text}");
        }
        assert!(init("test", &quiet("off")).is_err(), "a second time");
    }
}
