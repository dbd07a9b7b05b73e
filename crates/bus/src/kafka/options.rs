//! Connection options for Kafka, as plain data. Secrets are references to files, which are read on use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::Error;
use crate::backlog::BULK_MAX_WAIT;

/// How to reach a cluster and how to behave in its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// `host:port`, separated by commas; any one of them leads to the others.
    pub brokers: String,
    /// How client and brokers authenticate each other.
    pub security: Security,
    /// After this time without a heartbeat the coordinator removes a member from its group.
    pub session_timeout: Duration,
    /// How long a member may finish records in flight of revoked partitions.
    pub drain_limit: Duration,
    /// How long a publication may take until it counts as failed.
    pub publish_limit: Duration,
    /// How long bulk waits at most for a lagging consumer group, which may be down for long while other consumers read the topic.
    pub bulk_max_wait: Duration,
}

/// How client and brokers authenticate each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// No encryption and no authentication.
    Plaintext,
    /// TLS; the brokers' certificate is checked against an authority: this file (PEM), or the system's.
    Tls {
        /// The authority.
        ca: Option<PathBuf>,
    },
    /// TLS, and the client logs in.
    Sasl {
        /// The authority.
        ca: Option<PathBuf>,
        /// The credentials.
        login: Login,
    },
}

/// The credentials of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user whose password the brokers store as a hash.
    Scram {
        /// Which hash.
        hash: ScramHash,
        /// The user.
        user: String,
        /// The file that holds the password.
        password_file: PathBuf,
    },
    /// A client of an identity provider.
    OAuth(OAuth),
}

/// The hash function of SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
}

/// A client of an identity provider that issues tokens for client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// The token endpoint; https, or http on loopback.
    pub token_url: url::Url,
    /// The client id.
    pub client_id: String,
    /// The file that holds the client's secret.
    pub secret_file: PathBuf,
    /// The requested scope.
    pub scope: Option<String>,
}

impl KafkaOptions {
    /// A cluster without security, with default durations.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            security: Security::Plaintext,
            // The same as a lease, so that a killed replica is replaced in its group and its leases at the same time.
            session_timeout: Duration::from_secs(10),
            drain_limit: Duration::from_secs(10),
            publish_limit: Duration::from_secs(30),
            bulk_max_wait: BULK_MAX_WAIT,
        }
    }
}

impl ScramHash {
    /// The SASL name of the mechanism.
    #[must_use]
    pub fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }
}

/// Reads the secret in a file, without the white space around it.
pub(super) async fn read_secret(file: &Path) -> Result<SecretString, Error> {
    let read = xtsync_secrets::file::read(file.to_owned()).await;
    read.map_err(|error| Error::Refused(format!("{}: {error}", file.display())))
}
