//! The report of the demo: a table, or one JSON object.

use std::time::Duration;

use serde::Serialize;
use xtsync_contract::control;

use crate::output;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    synchronizations: Vec<Counts>,
    change_to_target_ms: Latency,
}

/// The results of a synchronization: users by the state reached.
#[derive(Debug, Serialize)]
struct Counts {
    name: String,
    created: u64,
    updated: u64,
    disabled: u64,
    deleted: u64,
    restored: u64,
    failed: u64,
}

/// The time from the source's commit to the target's, without the first synchronization and without the grace period.
#[derive(Debug, Serialize)]
struct Latency {
    count: usize,
    p50: f64,
    p99: f64,
}

impl Report {
    /// Sums up a run.
    pub(super) fn new(synchronizations: &[control::SynchronizationStatus], mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let latency = Latency { count: took.len(), p50: percentile(&took, 50), p99: percentile(&took, 99) };
        Self { synchronizations: synchronizations.iter().map(counts).collect(), change_to_target_ms: latency }
    }

    /// Whether any write failed.
    pub(super) fn failed(&self) -> bool {
        self.synchronizations.iter().any(|counts| counts.failed > 0)
    }

    /// The table that ends the demo.
    pub(super) fn table(&self) -> String {
        let rows = self.synchronizations.iter().map(|counts| {
            let numbers = [counts.created, counts.updated, counts.disabled, counts.deleted, counts.restored, counts.failed];
            std::iter::once(counts.name.clone()).chain(numbers.map(|number| number.to_string())).collect()
        });
        let header = ["SYNCHRONIZATION", "CREATED", "UPDATED", "DISABLED", "DELETED", "RESTORED", "FAILED"];
        let latency = &self.change_to_target_ms;
        format!(
            "{}change to target: p50 {:.1} ms, p99 {:.1} ms over {} changes",
            output::table(&header, rows),
            latency.p50,
            latency.p99,
            latency.count
        )
    }

    /// The object that ends the demo with `--json`.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

fn counts(status: &control::SynchronizationStatus) -> Counts {
    let counts = status.counts.unwrap_or_default();
    Counts {
        name: status.name.clone(),
        created: counts.created,
        updated: counts.updated,
        disabled: counts.disabled,
        deleted: counts.deleted,
        restored: counts.restored,
        failed: counts.failed,
    }
}

/// The given percentile of sorted durations, in milliseconds with one decimal; 0 for none.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |duration| (duration.as_secs_f64() * 10_000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let hundred: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        for (sorted, percent, want) in [(&hundred[..], 50, 50.0), (&hundred[..], 99, 99.0), (&hundred[..7], 99, 7.0), (&[], 50, 0.0)] {
            assert!((percentile(sorted, percent) - want).abs() < f64::EPSILON, "{percent} of {}", sorted.len());
        }
    }
}
