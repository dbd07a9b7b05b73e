//! The roles as separate processes over real Kafka and real PostgreSQL, against the oracle.
#![cfg(test)]

mod faults;
mod lifecycle;
mod outage;
mod partitions;
mod restored;
mod stopped;

/// What chance begins with; `XTSYNC_SEED` says another.
fn seed() -> u64 {
    std::env::var("XTSYNC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7)
}
