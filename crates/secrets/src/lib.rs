//! Secrets in files: what an operator names, and what a tenant's administrator names.
//!
//! An operator names a file on the command line and may name any ([`mod@file`]). A resource names a file, too, but an administrator who may apply it must
//! not read what else the server can read: its references lead below the tenant's own directory and nowhere else ([`SecretsDir`]).
//! Either way only a regular file of bounded size is read, within a time limit, so that a FIFO or a device stops nothing.

mod dir;
mod error;
pub mod file;

pub use dir::{SecretsDir, TenantSecrets};
pub use error::Error;
