//! The provisioner: makes target tenants as decided, call by call, and publishes the outcomes.
//!
//! Three parts share one store, for each target in the replica that holds its lease. *Intake* stores decisions as the desired state of links.
//! *Work* asks the state table for the next step, the gate whether it may start, commits an intent, calls, and records. *Publishing* sends
//! the rows that changed. It holds the only credentials that write; it knows no scopes, mappings or source directories.
//!
//! `run` is loops over steps that tests and simulations call by hand.

mod commands;
mod config;
mod context;
mod decisions;
mod directory_change;
mod epoch;
mod error;
mod facts;
mod follow;
mod intake;
mod job;
mod linked_directories;
mod metrics;
mod observe_only;
mod owned_target;
mod publish;
mod publisher;
mod rebuild;
mod rehire;
mod republish;
mod retry;
mod service;
mod status;
mod table;
mod worker;

pub use config::Config;
pub use context::Targets;
pub use error::Error;
pub use service::{Provisioner, build};
pub use table::MIGRATIONS;

use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_service::manifest::Manifest;

/// The role, as it names itself in headers, status, dead letters and its store.
pub const ROLE: Role = Role::PROVISIONER;

/// What the role is.
pub static MANIFEST: Manifest = Manifest {
    role: ROLE,
    help: "Writes target tenants",
    reads: &[&topic::DECISIONS, &topic::TENANT_FACTS, &topic::COMMANDS],
    writes: &[&topic::LINKS, &topic::OUTCOMES],
    migrations: Some(&MIGRATIONS),
    leases: &["target/{tenant}"],
};
