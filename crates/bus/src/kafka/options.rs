//! What connects us to Kafka, as plain data. Secrets are references to files and are read where they are used.

use std::path::PathBuf;
use std::time::Duration;

use crate::backlog::BULK_MAX_WAIT;

/// How to reach a cluster and how to behave in its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// `host:port`, separated by commas; any of them leads to the others.
    pub brokers: String,
    /// How the brokers are sure of us and we of them.
    pub security: Security,
    /// A member that the group's coordinator has not heard of for this long is out.
    pub session_timeout: Duration,
    /// How long a member may finish what is in hand for partitions that are taken from it.
    pub drain_limit: Duration,
    /// How long a publication may take until it counts as failed.
    pub publish_limit: Duration,
    /// How long bulk waits at most for who takes a topic: he may be away for long, and others read it too.
    pub bulk_max_wait: Duration,
}

/// How the brokers are sure of us and we of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Plaintext,
    /// TLS; the brokers' certificate is checked against an authority: this file (PEM), or the system's.
    Tls {
        /// The authority.
        ca: Option<PathBuf>,
    },
    /// TLS, and we log in.
    Sasl {
        /// The authority.
        ca: Option<PathBuf>,
        /// As whom.
        login: Login,
    },
}

/// As whom we log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user whose password is known to the brokers by its hash.
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

/// The hash of SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
}

/// A client of an identity provider that gives tokens for client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Where tokens are given; https, or http on loopback.
    pub token_url: url::Url,
    /// The client.
    pub client_id: String,
    /// The file that holds the client's secret.
    pub secret_file: PathBuf,
    /// What is asked for.
    pub scope: Option<String>,
}

impl KafkaOptions {
    /// A cluster without security, and the usual times.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            security: Security::Plaintext,
            // As long as a lease: who is killed is replaced everywhere at once.
            session_timeout: Duration::from_secs(10),
            drain_limit: Duration::from_secs(10),
            publish_limit: Duration::from_secs(30),
            bulk_max_wait: BULK_MAX_WAIT,
        }
    }
}

impl ScramHash {
    /// Its name in SASL.
    #[must_use]
    pub fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }
}
