//! Being seen: log lines to standard error, traces to a collector, metrics to whoever scrapes.
//!
//! Text on a terminal, JSON else; coloured on a terminal unless `NO_COLOR` is set. Filtered by `XTSYNC_LOG`, else by `RUST_LOG`. Traces go
//! out by OTLP (gRPC) when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and the other `OTEL_…` variables mean what OpenTelemetry says. Metrics are
//! at `/metrics` (see [`crate::admin`]).

use std::io::{IsTerminal as _, stderr};

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::metrics;

/// What is logged where nobody says otherwise: OpenTelemetry tells its own life at `info`.
const FILTER: &str = "info,opentelemetry=warn";

/// The shape of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, JSON else.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// How a process is seen.
#[derive(Debug, Clone, Default)]
pub struct TelemetryOptions {
    /// The shape of log lines.
    pub format: Format,
    /// What is logged, as `info,xtsync_provisioner=debug`; `None` is `info`.
    pub filter: Option<String>,
    /// Whether traces go to the collector that the environment names.
    pub export: bool,
}

impl TelemetryOptions {
    /// As the environment says.
    #[must_use]
    pub fn from_env(format: Format) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"));
        Self { format, filter: set("XTSYNC_LOG").or_else(|| set("RUST_LOG")), export: endpoint.is_some() }
    }
}

/// Keeps telemetry going; dropping it sends what is still in hand.
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
        // A collector that is away must not keep a process from ending, and there is nobody left to tell.
        self.traces.shutdown().ok();
        self.metrics.shutdown().ok();
    }
}

/// An error and its sources on one line, for logs: an error alone does not print its source.
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

/// Starts telemetry for the process, once. `role` names it to collectors, unless `OTEL_SERVICE_NAME` does.
///
/// # Errors
/// When the filter does not parse, the collector's address is refused, or telemetry runs already.
pub fn init(role: &str, options: &TelemetryOptions) -> anyhow::Result<Telemetry> {
    let resource = resource(role);
    let traces = tracer_provider(resource.clone(), options.export)?;
    let (metrics, registry) = metrics::provider(resource).context("making the metrics registry")?;
    let filter = options.filter.as_deref().unwrap_or(FILTER);
    let lines =
        lines(options.format).with_filter(EnvFilter::try_new(filter).with_context(|| format!("reading the log filter '{filter}'"))?);
    let finest = if options.export { Level::DEBUG } else { Level::INFO };
    // A job is entered as often as it is polled. Who asks for its trace asks its span, so nothing is done at that.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("xtsync"))
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_threads(false)
        .with_location(false)
        .with_filter(filter_fn(move |metadata| is_traced(metadata, finest)));
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

/// The sampler is the SDK's: parent-based, everything else, or what `OTEL_TRACES_SAMPLER` says.
fn tracer_provider(resource: Resource, export: bool) -> anyhow::Result<SdkTracerProvider> {
    let builder = SdkTracerProvider::builder().with_resource(resource);
    if !export {
        return Ok(builder.build());
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build().context("preparing the export of traces")?;
    Ok(builder.with_batch_exporter(exporter).build())
}

fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let terminal = stderr().is_terminal();
    // https://no-color.org: any value but an empty one.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    // A log that cannot be written, as on a full disk, must not end the process: to say so on standard error would.
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(terminal && !is_plain).log_internal_errors(false);
    match (format, terminal) {
        (Format::Text, _) | (Format::Auto, true) => layer.boxed(),
        (Format::Json, _) | (Format::Auto, false) => layer.json().flatten_event(true).with_span_list(false).boxed(),
    }
}

/// Our own spans are traced, whatever is logged: a quiet role must not break the trace. The fine ones, of which nothing but a collector
/// knows, only where there is one.
fn is_traced(metadata: &Metadata<'_>, finest: Level) -> bool {
    metadata.is_span() && *metadata.level() <= finest && metadata.target().starts_with("xtsync")
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn telemetry_starts_once_and_says_what_is_wrong_with_its_options() {
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
