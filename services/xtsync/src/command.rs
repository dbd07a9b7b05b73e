//! The commands, one file each: its arguments and what it does.

pub mod apply;
pub mod completions;
pub mod get;
pub mod run;
pub mod show;
pub mod status;
pub mod tenant_sim;
pub mod topics;
