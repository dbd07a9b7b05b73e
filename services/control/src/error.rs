//! How control can fail.

use xtsync_bus as bus;
use xtsync_service::consumer;
use xtsync_store as store;

use crate::problem::Problem;

/// How control can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was to be applied is refused; nothing of it was.
    #[error("{} mistakes in the configuration", .0.len())]
    Refused(Vec<Problem>),
    /// Another replica of control is at work.
    #[error("this replica of control does not lead: it is starting, or another one is at work")]
    NotLeading,
    /// The store failed.
    #[error("the store of control")]
    Store(#[from] store::Error),
    /// The bus failed.
    #[error("the bus")]
    Bus(#[from] bus::Error),
    /// The configuration on the bus cannot be read: a person must act.
    #[error("record {offset} of the configuration on the bus: {reason}")]
    Unreadable {
        /// Where it stands.
        offset: i64,
        /// Why.
        reason: String,
    },
    /// The folder of configuration cannot be read.
    #[error("reading the configuration in {path}")]
    Folder {
        /// The folder or file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The control API cannot serve.
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
