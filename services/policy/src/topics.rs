//! Which topics policy reads: an explicit list made anew with each revision, so that nothing is found by a pattern.

use xtsync_domain::Configuration;
use xtsync_platform::bus::{Bus, Error};
use xtsync_proto::topic::Topic;

/// What can be read now.
#[derive(Debug, Default)]
pub(crate) struct Readable {
    /// The deltas of every source whose decisions have somewhere to go.
    pub(crate) topics: Vec<Topic>,
    /// A topic that an administrator has still to make, if any: its source waits, the others do not.
    pub(crate) missing: Option<Topic>,
}

/// What can be read at a revision. On the embedded bus topics come into being by themselves.
pub(crate) async fn readable(bus: &Bus, configuration: &Configuration) -> Result<Readable, Error> {
    let mut readable = Readable::default();
    for source in configuration.sources() {
        let targets = configuration.synchronizations_from(source).map(|synchronization| synchronization.spec.to.clone());
        let deltas = Topic::UserDeltas(source.clone());
        let needed: Vec<_> = [deltas.clone(), Topic::DeadLetters].into_iter().chain(targets.map(Topic::Decisions)).collect();
        let missing = if bus.creates_topics() { None } else { bus.missing(&needed).await?.into_iter().next() };
        match missing {
            None => readable.topics.push(deltas),
            Some(topic) => readable.missing = Some(topic),
        }
    }
    Ok(readable)
}
