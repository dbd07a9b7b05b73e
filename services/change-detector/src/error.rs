//! How detection can fail, and how long it then waits.

use std::time::Duration;

use xtsync_bus as bus;
use xtsync_directory as directory;
use xtsync_store as store;

/// How detection can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory did not answer as hoped.
    #[error("reading the directory")]
    Directory(#[from] directory::Error),
    /// The store failed, or the lease on the tenant is lost.
    #[error("keeping the mirror")]
    Store(#[from] store::Error),
    /// The bus failed.
    #[error("publishing")]
    Bus(#[from] bus::Error),
    /// A row of the mirror is not what was written.
    #[error("{0} in the mirror cannot be read")]
    Corrupt(&'static str),
}

/// A row of the mirror is not what was written.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::Corrupt(what)
}

impl Error {
    /// A stable code for status and metrics.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Directory(error) => directory_code(error),
            Self::Store(_) => "store",
            Self::Bus(_) => "bus",
            Self::Corrupt(_) => "corrupt",
        }
    }

    /// What was seen, for `status`: a host and why it does not answer, or the directory's own code. Never a value of a user.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Self::Directory(
                directory::Error::Unavailable { reason }
                | directory::Error::Failing { reason, .. }
                | directory::Error::Unknown { reason }
                | directory::Error::Malformed { reason },
            ) => reason,
            Self::Directory(
                directory::Error::Unauthorized { code } | directory::Error::Forbidden { code } | directory::Error::Refused { code, .. },
            ) => code.answer.as_ref().map_or(&code.code, |answer| &answer.code),
            Self::Directory(directory::Error::Unsupported { verb }) => verb,
            Self::Directory(directory::Error::Throttled { .. } | directory::Error::NotFound | directory::Error::Resync)
            | Self::Store(_)
            | Self::Bus(_)
            | Self::Corrupt(_) => "",
        }
    }

    /// How long to wait at least: what the directory asks, or what an operator needs to act.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Directory(directory::Error::Throttled { wait } | directory::Error::Failing { wait: Some(wait), .. }) => Some(*wait),
            Self::Directory(directory::Error::Unauthorized { .. } | directory::Error::Forbidden { .. }) => Some(Duration::from_secs(30)),
            Self::Directory(
                directory::Error::Unavailable { .. }
                | directory::Error::Failing { wait: None, .. }
                | directory::Error::Unknown { .. }
                | directory::Error::NotFound
                | directory::Error::Refused { .. }
                | directory::Error::Unsupported { .. }
                | directory::Error::Resync
                | directory::Error::Malformed { .. },
            )
            | Self::Store(_)
            | Self::Bus(_)
            | Self::Corrupt(_) => None,
        }
    }
}

/// Codes of refused credentials that say what to do: shown as they are.
const CREDENTIALS: &[&str] = &[
    "secret_expired",
    "secret_invalid",
    "secret_missing",
    "secret_unreadable",
    "secret_empty",
    "secret_outside",
    "secret_not_a_file",
    "secret_too_large",
    "secret_too_slow",
    "secret_not_text",
    "application_unknown",
    "application_disabled",
    "tenant_unknown",
    "consent_missing",
    "conditional_access",
];

fn directory_code(error: &directory::Error) -> &'static str {
    match error {
        directory::Error::Throttled { .. } => "throttled",
        directory::Error::Unavailable { .. } => "away",
        directory::Error::Failing { .. } => "failing",
        directory::Error::Unknown { .. } => "unknown",
        directory::Error::Unauthorized { code } => CREDENTIALS.iter().find(|known| code.code == **known).unwrap_or(&"unauthorized"),
        directory::Error::Forbidden { .. } => "forbidden",
        directory::Error::NotFound => "not_found",
        directory::Error::Refused { .. } => "refused",
        directory::Error::Unsupported { .. } => "unsupported",
        directory::Error::Resync => "resync",
        directory::Error::Malformed { .. } => "malformed",
    }
}
