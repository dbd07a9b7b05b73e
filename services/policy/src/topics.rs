//! Which topics policy reads: an explicit list made anew with each revision, so that nothing is found by a pattern.

use xtsync_bus::WantedTopics;
use xtsync_contract::topic;
use xtsync_domain::Configuration;

/// The deltas of every source, each with where its decisions and what cannot be used go.
pub(crate) fn wanted(configuration: &Configuration) -> WantedTopics {
    let of_source = |source| {
        let targets = configuration.synchronizations_from(source).map(|synchronization| synchronization.spec.to.clone());
        (topic::USER_DELTAS.of(source), targets.map(|tenant| topic::DECISIONS.of(tenant)).chain([topic::DEAD_LETTERS.topic()]).collect())
    };
    configuration.sources().into_iter().map(of_source).collect()
}
