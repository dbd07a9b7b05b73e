//! Parts of the end-to-end tests, scenarios and benchmarks: a fleet of processes, a small Graph client, and the oracle that computes the
//! expected state of a target.
//!
//! This crate shares no rule with `xtsync-domain` and no type with the connector: a mistake in shared code would go undetected.

pub mod configuration;
pub mod fleet;
pub mod graph;
pub mod oracle;
pub mod workload;
