//! The change-detector: reads tenants' directories and publishes what changed.
//!
//! It owns a mirror of each tenant it reads and the cursor into its directory. Each tenant is with one replica at a time, by lease. It
//! makes no decision about users: the scope and what happens in a target is the business of policy.

mod chunk;
mod closure;
mod commands;
mod error;
mod facts;
mod full;
mod last_entries;
mod listing;
mod membership;
mod merge;
mod metrics;
mod mirror;
mod names;
mod page;
mod pending;
mod perform;
mod projection;
mod publisher;
mod rebuild;
mod removal_check;
mod removal_guard;
mod repeated_facts;
mod reported;
mod reproject;
mod scope;
mod service;
mod staging;
mod subscriber;
mod subscription;
mod sweep;
mod sync_state;
mod takeover;
mod tenant;
mod trigger;
mod urgency;
mod watch;
mod webhook;

use xtsync_contract::role::Role;
use xtsync_contract::topic;
use xtsync_service::manifest::Manifest;

pub use error::Error;
pub use service::{Config, Connect, Detector, build};
pub use trigger::Trigger;
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
