//! Secrets in files, named by an operator or by a tenant's administrator.
//!
//! An operator names any file on the command line ([`mod@file`]). A reference in a resource resolves below the tenant's own directory
//! only ([`SecretsDir`]), so that an administrator who applies the resource cannot read other files of the server.
//! In both cases only a regular file of bounded size is read, within a time limit, so that a FIFO or a device blocks nothing.

mod dir;
mod error;
pub mod file;

pub use dir::{SecretsDir, TenantSecrets};
pub use error::Error;
