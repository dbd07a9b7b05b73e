//! Stores a batch of decisions: a newer one replaces the older. A user who was never in the target gets no row for not being wanted.

use std::collections::{BTreeMap, BTreeSet};

use tracing::info_span;
use xtsync_domain::link::class::class;
use xtsync_domain::link::{Class, Link};
use xtsync_domain::{Decision, Desired, TenantName, Timestamp, Version};
use xtsync_runtime::trace;
use xtsync_store::Transaction;

use super::read::Arrival;
use crate::context::Context;
use crate::error::Result;
use crate::owned_target::OwnedTarget;
use crate::table::counted::Counted;
use crate::table::link::Stored;
use crate::table::{Key, decision_version, link, work};

/// What a batch changes, before it is stored.
#[derive(Default)]
struct Batch {
    links: BTreeMap<Key, Stored>,
    /// Versions of decisions about users without a link.
    versions: BTreeMap<Key, Version>,
    changed: BTreeSet<Key>,
    unlinked: BTreeSet<Key>,
    /// How many decisions said nothing new.
    stale: u64,
}

/// Takes decisions of a target in; says whether anything may be due now.
pub(super) async fn take(tx: &mut Transaction, owned: &OwnedTarget, arrivals: Vec<Arrival>) -> Result<bool> {
    let (context, now) = (&owned.context, owned.context.now());
    let keys: BTreeSet<Key> = arrivals.iter().map(|arrival| arrival.key.clone()).collect();
    let links = link::lock(tx, &keys).await?;
    let unlinked: Vec<&Key> = keys.iter().filter(|key| !links.contains_key(key)).collect();
    let versions = decision_version::read(tx, &unlinked).await?;
    let mut batch = Batch { links, versions, ..Batch::default() };
    for arrival in arrivals {
        batch.take(arrival, now);
    }
    batch.store(tx, context, now);
    batch.count(context, &owned.target);
    Ok(!batch.changed.is_empty())
}

impl Batch {
    fn take(&mut self, Arrival { key, decision, traceparent }: Arrival, now: Timestamp) {
        let is_new = match self.links.get_mut(&key) {
            Some(stored) => {
                let was_converged = stored.link.is_converged();
                let is_newer = stored.link.decide(decision, now);
                if is_newer {
                    let replaced = stored.traceparent.take().filter(|_| !was_converged);
                    stored.traceparent = replacing(traceparent, replaced.as_deref());
                }
                is_newer
            }
            None if self.versions.get(&key).is_some_and(|known| decision.version <= *known) => false,
            None if makes_link(&decision) => {
                let link = Link::new(key.target.clone(), decision, now);
                self.links.insert(key.clone(), Stored { link, version: 0, traceparent, counted: Counted::default(), row_version: 0 });
                true
            }
            None => {
                self.versions.insert(key.clone(), decision.version);
                self.unlinked.insert(key);
                return;
            }
        };
        if is_new {
            self.changed.insert(key);
        } else {
            self.stale += 1;
        }
    }

    fn store(&self, tx: &mut Transaction, context: &Context, now: Timestamp) {
        let changed = || self.changed.iter().filter_map(|key| Some((key, self.links.get(key)?)));
        link::save(tx, changed().map(|(_, stored)| stored), context.store.store_id());
        let work: Vec<(Key, Class)> = changed().map(|(key, stored)| (key.clone(), class(&stored.link))).collect();
        work::arrived(tx, &work, now);
        let unlinked = self.unlinked.iter().filter_map(|key| Some((key.clone(), *self.versions.get(key)?)));
        decision_version::save(tx, &unlinked.collect());
    }

    fn count(&self, context: &Context, target: &TenantName) {
        let (newer, unlinked) = (self.changed.len() as u64, self.unlinked.len() as u64);
        for (what, count) in [("newer", newer), ("unlinked", unlinked), ("stale", self.stale)] {
            context.metrics.decisions(target, what, count);
        }
    }
}

/// The trace of a decision that came before the one it replaces was worked on: it goes on in a span that links to the other's.
fn replacing(newest: Option<String>, replaced: Option<&str>) -> Option<String> {
    let (Some(newest), Some(replaced)) = (&newest, replaced) else { return newest };
    let span = info_span!("replace", trace_id = tracing::field::Empty);
    trace::set_parent(&span, newest);
    trace::link(&span, replaced);
    trace::traceparent_of(&span).or_else(|| Some(newest.clone()))
}

/// Whether a decision about a user without a link makes one. Most users of a source are not wanted and were never in the target.
fn makes_link(decision: &Decision) -> bool {
    match decision.desired {
        Desired::Wanted(_) => true,
        Desired::NotWanted(_) | Desired::Skipped(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
    use parking_lot::Mutex;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const REPLACED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const NEWEST: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// The traces that ended spans link to.
    #[derive(Debug, Clone, Default)]
    struct Links(Arc<Mutex<Vec<String>>>);

    impl SpanProcessor for Links {
        fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().extend(span.links.iter().map(|link| link.span_context.trace_id().to_string()));
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn a_decision_that_replaces_another_keeps_its_trace_and_links_to_the_other() {
        let links = Links::default();
        let tracer = SdkTracerProvider::builder().with_span_processor(links.clone()).build().tracer("test");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(replacing(Some(NEWEST.to_owned()), None).as_deref(), Some(NEWEST), "nothing was replaced");
            let outgoing_traceparent = replacing(Some(NEWEST.to_owned()), Some(REPLACED)).unwrap();
            assert_eq!(trace::trace_id(&outgoing_traceparent), trace::trace_id(NEWEST));
            assert_ne!(outgoing_traceparent, NEWEST, "the job is a child of the span that links");
        });
        assert_eq!(*links.0.lock(), ["4bf92f3577b34da6a3ce929d0e0e4736"]);
        assert_eq!(replacing(Some(NEWEST.to_owned()), Some(REPLACED)).as_deref(), Some(NEWEST), "where no traces are recorded");
    }
}
