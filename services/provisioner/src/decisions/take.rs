//! Stores a batch of decisions: a newer one replaces the older, and one that wants the same moves its version alone. A user who was never in
//! the target gets no link for not being wanted.

use std::collections::{BTreeMap, BTreeSet};

use tracing::info_span;
use xtsync_domain::link::class::class;
use xtsync_domain::link::{Class, Link};
use xtsync_domain::{Decision, TenantName, Timestamp, Wanted};
use xtsync_runtime::trace;
use xtsync_store::Transaction;

use super::read::Arrival;
use crate::context::Context;
use crate::error::Result;
use crate::owned_target::OwnedTarget;
use crate::table::counted::Counted;
use crate::table::decided::{self, Decided};
use crate::table::link::{Encoded, Stored};
use crate::table::{Key, link, work};

/// What a batch changes, before it is stored.
#[derive(Default)]
struct Batch {
    links: BTreeMap<Key, Stored>,
    /// The newest decision about each of its users.
    decided: BTreeMap<Key, Decided>,
    /// Links with another decision than before.
    changed: BTreeSet<Key>,
    /// Users whose newest decision is another one, or has another version.
    noted: BTreeSet<Key>,
    counts: Counts,
}

/// How many decisions were what.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// They want something else.
    newer: u64,
    /// They want what was wanted before.
    equal: u64,
    /// They do not want a user who has no link.
    unlinked: u64,
    /// They are not newer.
    stale: u64,
}

/// Takes decisions of a target in; says how many were what. The commit fails if a link has changed since it was read here.
pub(super) async fn take(tx: &mut Transaction, owned: &OwnedTarget, arrivals: &[Arrival]) -> Result<Counts> {
    let (context, now) = (&owned.context, owned.context.now());
    let keys: BTreeSet<&Key> = arrivals.iter().map(|arrival| &arrival.key).collect();
    let mut batch = Batch { decided: decided::read(&context.store, &keys).await?, ..Batch::default() };
    let others: Vec<&Arrival> = arrivals.iter().filter(|arrival| batch.wants_other(arrival)).collect();
    // Only now are links read, which are wide.
    batch.links = link::read_all(&context.store, &others.iter().map(|arrival| arrival.key.clone()).collect()).await?;
    for arrival in others {
        batch.take(arrival.clone(), now);
    }
    batch.store(tx, context, now);
    Ok(batch.counts)
}

impl Batch {
    /// Whether a decision is newer and wants something else than the one before. One that wants the same moves the version alone.
    fn wants_other(&mut self, Arrival { key, decision, .. }: &Arrival) -> bool {
        let newest = Decided::from(decision);
        let before = self.decided.get(key).copied();
        if before.is_some_and(|before| newest.version <= before.version) {
            self.counts.stale += 1;
            return false;
        }
        self.decided.insert(key.clone(), newest);
        self.noted.insert(key.clone());
        let is_equal = before.is_some_and(|before| before.digest == newest.digest);
        self.counts.equal += u64::from(is_equal);
        !is_equal
    }

    fn take(&mut self, Arrival { key, decision, traceparent }: Arrival, now: Timestamp) {
        match self.links.get_mut(&key) {
            Some(stored) => {
                let was_converged = stored.link.is_converged();
                if !stored.link.decide(decision, now) {
                    // The link knows better than the note, as after a restore.
                    self.decided.insert(key, Decided::unknown(stored.link.desired.version));
                    self.counts.stale += 1;
                    return;
                }
                let replaced = stored.traceparent.take().filter(|_| !was_converged);
                stored.traceparent = replacing(traceparent, replaced.as_deref());
            }
            None if makes_link(&decision) => {
                let link = Link::new(key.target.clone(), decision, now);
                self.links.insert(
                    key.clone(),
                    Stored { link, version: 0, traceparent, counted: Counted::default(), row_version: 0, stored_version: 0 },
                );
            }
            None => {
                self.counts.unlinked += 1;
                return;
            }
        }
        self.counts.newer += 1;
        self.changed.insert(key);
    }

    fn store(&self, tx: &mut Transaction, context: &Context, now: Timestamp) {
        let changed = || self.changed.iter().filter_map(|key| Some((key, self.links.get(key)?)));
        let links: Vec<Encoded> = changed().map(|(_, stored)| stored.encode(context.store.store_id())).collect();
        link::replace(tx, links.iter());
        let work: Vec<(Key, Class)> = changed().map(|(key, stored)| (key.clone(), class(&stored.link))).collect();
        work::arrived(tx, &work, now);
        decided::save(tx, self.noted.iter().filter_map(|key| Some((key, *self.decided.get(key)?))));
    }
}

impl Counts {
    /// Whether anything may be due now.
    pub(super) fn is_due(&self) -> bool {
        self.newer > 0
    }

    /// Counts them in the metrics, once they are stored.
    pub(super) fn count(&self, context: &Context, target: &TenantName) {
        let Self { newer, equal, unlinked, stale } = *self;
        for (what, count) in [("newer", newer), ("equal", equal), ("unlinked", unlinked), ("stale", stale)] {
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
    match decision.desired.wanted {
        Wanted::Yes(_) => true,
        Wanted::No(_) | Wanted::Skipped(_) => false,
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
