//! Control: stores the applied resources as revisions, publishes them, and maintains a read model of the records of all roles.
//!
//! Control calls no directory and no other service. It resolves group names to ids with the facts that the detector publishes, and computes
//! the status from the records and status reports of all roles. One replica leads at a time, by the lease `control`; every replica answers
//! read calls from the store.

mod actor;
mod api;
mod apply;
mod audit;
mod command;
mod condition;
mod context;
mod context_handle;
mod count;
mod counted;
mod directories;
mod error;
mod expire;
mod extensions;
pub mod folder;
mod gauges;
mod listing;
pub mod manifest;
mod metrics;
pub mod names;
mod notices;
mod partitions;
mod plan;
pub mod problem;
mod projector;
mod publish;
mod reconcile;
mod rehire;
mod rename;
mod resolve;
mod resources;
mod revision;
mod rules;
mod service;
mod status;
mod tables;
mod token;
mod view;
mod warnings;

use xtsync_contract::topic;
use xtsync_service::manifest::Manifest;

pub use api::serve;
pub use apply::{Applied, Change};
pub use context_handle::ContextHandle;
pub use error::Error;
pub use service::{Config, Service, build};
pub use token::Token;

/// The manifest of the role.
pub static MANIFEST: Manifest = Manifest {
    role: context::ROLE,
    help: "Stores the configuration and serves the control API",
    reads: &[&topic::USER_DELTAS, &topic::TENANT_FACTS, &topic::DECISIONS, &topic::LINKS, &topic::OUTCOMES, &topic::STATUS],
    writes: &[&topic::CONFIG, &topic::COMMANDS],
    migrations: Some(&tables::MIGRATIONS),
    leases: &[context::LEASE],
};
