//! Traces from the delta to the call: W3C trace parents in record headers and rows.
//!
//! Trace ids exist even without an exporter. So log lines of one change can be found by `trace_id`, and a collector can be attached to one
//! role only.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

/// The trace parent of the current span; `None` outside any span.
#[must_use]
pub fn traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// The trace parent of a span; `None` if it is not recorded.
#[must_use]
pub fn traceparent_of(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Sets the parent of a new span, before it is entered. It also fills a field `trace_id` that the span declares empty, so that log lines
/// show it. Text that is no trace parent is ignored.
pub fn set_parent(span: &Span, traceparent: &str) {
    let Some(parent) = parse(traceparent) else { return };
    span.record("trace_id", tracing::field::display(parent.trace_id()));
    // This fails only without a subscriber that records traces.
    span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent)).ok();
}

/// Links a span to another trace that it comes from: a change in a batch, or a change that a newer one replaced.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(other) = parse(traceparent) {
        span.add_link(other);
    }
}

/// The trace id of a trace parent.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<String> {
    parse(traceparent).map(|context| context.trace_id().to_string())
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    let context = context.span().span_context().clone();
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// Runs a test with a subscriber like that of a process without an exporter.
    fn recording(test: impl FnOnce()) {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(subscriber, test);
    }

    #[test]
    fn a_child_span_passes_the_trace_on_with_its_own_id() {
        recording(|| {
            let span = tracing::info_span!("apply", trace_id = tracing::field::Empty);
            set_parent(&span, PARENT);
            let handed_on = span.in_scope(|| tracing::info_span!("call").in_scope(|| traceparent().unwrap()));
            assert_eq!(trace_id(&handed_on), trace_id(PARENT));
            assert_ne!(handed_on, PARENT);
            assert!(handed_on.ends_with("-01"), "{handed_on}");
        });
    }

    #[test]
    fn a_span_without_a_parent_begins_a_trace_and_invalid_parents_are_ignored() {
        recording(|| {
            let span = tracing::info_span!("round");
            for text in ["", "00-zz-00-01", "00-00000000000000000000000000000000-0000000000000000-01", "\u{1F388}"] {
                set_parent(&span, text);
                link(&span, text);
                assert_eq!(trace_id(text), None, "{text}");
            }
            let begun = traceparent_of(&span).unwrap();
            assert!(trace_id(&begun).is_some_and(|id| id.len() == 32));
        });
    }

    #[test]
    fn outside_any_span_there_is_no_traceparent() {
        assert_eq!(traceparent(), None);
        recording(|| assert_eq!(traceparent(), None));
    }
}
