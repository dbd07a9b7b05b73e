//! Control: resources by apply, revisions, and a read model of everything the other roles say.
//!
//! It calls no directory and no other service: names become ids by what the detector finds, and status is a fold of what each role says
//! of itself. One replica is at work at a time, by the lease `control`; any replica answers questions from the store.

mod actor;
mod api;
mod apply;
mod audit;
mod command;
mod context;
mod context_handle;
mod directories;
mod error;
mod expire;
pub mod folder;
mod gauges;
mod listing;
pub mod manifest;
mod metrics;
mod notices;
mod plan;
pub mod problem;
mod projector;
mod publish;
mod reconcile;
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

/// What the role is.
pub static MANIFEST: Manifest = Manifest {
    role: context::ROLE,
    help: "Keeps the configuration and answers administrators",
    reads: &[&topic::USER_DELTAS, &topic::TENANT_FACTS, &topic::DECISIONS, &topic::LINKS, &topic::OUTCOMES, &topic::STATUS],
    writes: &[&topic::CONFIG, &topic::COMMANDS],
    migrations: Some(&tables::MIGRATIONS),
    leases: &[context::LEASE],
};
