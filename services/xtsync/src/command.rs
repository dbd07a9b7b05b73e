//! The commands, one file each: its arguments and what it does.

pub mod apply;
pub mod completions;
pub mod config;
pub mod eval;
pub mod explain_field;
pub mod get;
pub mod rehire;
pub mod republish;
pub mod resume;
pub mod resync;
pub mod retry;
pub mod run;
pub mod schema;
pub mod show;
pub mod status;
pub mod tenant;
pub mod tenant_sim;
pub mod test;
pub mod topics;

/// Who asks, for the audit trail.
fn actor() -> String {
    std::env::var("USER").unwrap_or_default()
}
