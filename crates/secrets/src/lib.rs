//! Secrets in files, named by an operator or by a tenant's administrator.
//!
//! An operator names a file on the command line and may name any ([`file`]). A resource names a file, too, but an administrator who may apply it must
//! not read what else the server can read: its references resolve below the tenant's own directory only ([`SecretsDir`]).
//! Either way only a regular file of bounded size is read, within a time limit, so that a FIFO or a device stops nothing.

mod dir;
mod error;
pub mod file;

pub use dir::{SecretsDir, TenantSecrets};
pub use error::Error;
