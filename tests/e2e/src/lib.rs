//! What end-to-end tests, scenarios and benchmarks are made of: a fleet of processes, a small Graph client, and the oracle that says
//! what a target must look like.
//!
//! Nothing here shares a rule with `xtsync-domain` or a type with the connector: what both get wrong in the same way nobody would see.

pub mod configuration;
pub mod fleet;
pub mod graph;
pub mod oracle;
pub mod workload;
