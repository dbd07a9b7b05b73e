//! The metrics of control: applies, folded and unreadable records, and the published revision.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use xtsync_bus::Record;
use xtsync_runtime::metrics::meter;

use crate::Error;
use crate::gauges::Gauges;

/// The metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    applies: Counter<u64>,
    folded: Counter<u64>,
    unreadable: Counter<u64>,
    revision: Gauge<u64>,
    gauges: Gauges,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn new() -> Self {
        let meter = meter();
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        Self {
            applies: counter("xtsync_control_applies", "Applies by result: done, refused or failed."),
            folded: counter("xtsync_control_records_folded", "Records folded into the read model, by kind of topic."),
            unreadable: counter("xtsync_control_records_unreadable", "Unreadable records that the read model skipped, by kind of topic."),
            gauges: Gauges::new(&meter),
            revision: meter.u64_gauge("xtsync_control_revision").with_description("The newest published revision.").build(),
        }
    }

    /// Counts an apply by its result.
    pub(crate) fn applied<T>(&self, ended: &Result<T, Error>) {
        let how = match ended {
            Ok(_) => "done",
            Err(Error::Refused(_)) => "refused",
            Err(
                Error::NotLeading | Error::Store(_) | Error::Bus(_) | Error::Unreadable { .. } | Error::Folder { .. } | Error::Serve(_),
            ) => "failed",
        };
        self.applies.add(1, &[KeyValue::new("result", how)]);
    }

    /// Counts folded records by topic kind.
    pub(crate) fn folded(&self, records: &[Record]) {
        records.iter().for_each(|record| self.folded.add(1, &[KeyValue::new("topic", record.at.partition.topic.kind().name)]));
    }

    /// Counts an unreadable record by topic kind.
    pub(crate) fn unreadable(&self, record: &Record) {
        self.unreadable.add(1, &[KeyValue::new("topic", record.at.partition.topic.kind().name)]);
    }

    /// Returns the gauges of the synchronizations.
    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Records the newest published revision.
    pub(crate) fn published(&self, revision: u64) {
        self.revision.record(revision, &[]);
    }
}
