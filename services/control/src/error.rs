//! The errors of control.

use xtsync_bus as bus;
use xtsync_service::consumer;
use xtsync_store as store;

use crate::problem::Problem;

/// The errors of control.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The written resources are invalid, or there is nothing to confirm. Nothing was applied.
    #[error("{} mistakes in the configuration", .0.len())]
    Refused(Vec<Problem>),
    /// This replica does not hold the lease.
    #[error("this replica of control does not lead: it is starting, or another replica leads")]
    NotLeading,
    /// The store failed.
    #[error("the store of control")]
    Store(#[from] store::Error),
    /// The bus failed.
    #[error("the bus")]
    Bus(#[from] bus::Error),
    /// A newer version wrote the configuration on the bus: an administrator must act.
    #[error("record {offset} of the configuration on the bus: {reason}")]
    Unreadable {
        /// The offset of the record.
        offset: i64,
        /// The reason.
        reason: String,
    },
    /// The configuration folder cannot be read.
    #[error("reading the configuration in {path}")]
    Folder {
        /// The folder or file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The listener of the control API failed.
    #[error("serving the control API")]
    Serve(#[source] tonic::transport::Error),
}

impl From<consumer::Error> for Error {
    fn from(error: consumer::Error) -> Self {
        match error {
            consumer::Error::Store(error) => Self::Store(error),
            consumer::Error::Bus(error) => Self::Bus(error),
        }
    }
}
