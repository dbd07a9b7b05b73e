//! How the provisioner can fail, beyond what a target answers.

use xtsync_bus as bus;
use xtsync_service::consumer;
use xtsync_store as store;
use xtsync_store::MayBeContended;

/// How the provisioner can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the provisioner's store")]
    Store(#[from] store::Error),
    /// The bus failed.
    #[error("the provisioner's bus")]
    Bus(#[from] bus::Error),
    /// The group commit that held this update has failed; another caller got the cause.
    #[error("the transaction that this was a part of has failed")]
    Abandoned,
    /// A link's row was written by another process than the owner.
    #[error("another process has changed the link {0} meanwhile")]
    ConcurrentModification(String),
    /// A stored link is not what was written, or was written by a newer version.
    #[error("the stored link {0} cannot be read: {1}")]
    Unreadable(String, String),
}

impl MayBeContended for Error {
    fn is_contended(&self) -> bool {
        match self {
            Self::Store(error) => error.is_contended(),
            Self::Bus(_) | Self::Abandoned | Self::ConcurrentModification(_) | Self::Unreadable(..) => false,
        }
    }
}

impl From<consumer::Error> for Error {
    fn from(error: consumer::Error) -> Self {
        match error {
            consumer::Error::Store(error) => Self::Store(error),
            consumer::Error::Bus(error) => Self::Bus(error),
        }
    }
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
