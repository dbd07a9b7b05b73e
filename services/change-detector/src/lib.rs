//! The change-detector: reads tenants' directories and publishes what changed.
//!
//! It owns a mirror of each tenant it reads and the cursor into its directory. Each tenant is with one replica at a time, by lease. It
//! decides nothing about anybody: who is in scope, and what becomes of him, is policy's business.

mod closure;
mod commands;
mod cut;
mod cutting;
mod error;
mod facts;
mod full;
mod hold;
mod last_word;
mod membership;
mod metrics;
mod mirror;
mod names;
mod nudge;
mod pending;
mod publication;
mod reading;
mod rebuild;
mod removal_guard;
mod round;
mod service;
mod staging;
mod subscriber;
mod subscription;
mod sweep;
mod takeover;
mod tenant;
mod watch;
mod webhook;
mod weighing;

use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_service::manifest::Manifest;

pub use error::Error;
pub use nudge::Nudge;
pub use service::{Config, Connect, Detector, build};
pub use webhook::{Inbox, serve};

/// The role, as it names itself in headers, status, dead letters and its store.
pub const ROLE: Role = Role::CHANGE_DETECTOR;

/// What the role is.
pub static MANIFEST: Manifest = Manifest {
    role: ROLE,
    help: "Reads source tenants",
    reads: &[&topic::COMMANDS],
    writes: &[&topic::USER_DELTAS, &topic::TENANT_FACTS],
    migrations: Some(&service::MIGRATIONS),
    leases: &["detector/{tenant}"],
};
