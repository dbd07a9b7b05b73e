//! The one binary: every role in one process, or some of them, and the administrator's commands.
//!
//! The commands speak to control by gRPC and to nothing else, except `topics`, which speaks to the bus, and `eval`, `test` and `tenant-sim`, which need no
//! server.

pub mod cli;
pub mod client;
pub mod command;
pub mod demo;
pub mod exit;
pub mod output;
pub mod reference;
pub mod rules;
pub mod run;
pub mod sandbox;
pub mod settings;
