//! The settings of the provisioner. Everything has a limit.

use std::time::Duration;

use xtsync_store::republish::GONE_RETENTION;

/// The provisioner's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its store is: `postgres://…`, or the directory of the SQLite files.
    pub store: String,
    /// Links worked on at once in one target, a quarter of them kept for links whose users lose access. More than there are exchanges with
    /// the target at once: what gathers shares `$batch`es and transactions.
    pub in_flight_max: usize,
    /// Longest wait for one call; then its answer counts as lost. Covers the connector's own limits.
    pub call_timeout: Duration,
    /// How long the intent of a call lasts without being extended, which it is while the call goes on: as long as another owner waits at most
    /// for a call of one that was killed.
    pub intent_ttl: Duration,
    /// How long a target's lease lasts without renewal.
    pub lease_ttl: Duration,
    /// How often the queues are checked without a wake-up.
    pub poll: Duration,
    /// How often the links of a target are republished; zero is only when requested.
    pub republish: Duration,
    /// How long a link that is over stays known; then its key ends.
    pub forget: Duration,
    /// Longest wait for the jobs under way at a stop.
    pub drain_timeout: Duration,
}

impl Config {
    /// The defaults, with a store.
    #[must_use]
    pub fn new(store: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            in_flight_max: 64,
            call_timeout: Duration::from_secs(35),
            intent_ttl: Duration::from_secs(10),
            lease_ttl: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            republish: Duration::from_secs(24 * 60 * 60),
            forget: GONE_RETENTION,
            drain_timeout: Duration::from_secs(20),
        }
    }
}
