//! What all Kafka clients share: settings, security and callbacks.

use std::path::Path;
use std::sync::Arc;

use rdkafka::admin::AdminClient;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Statistics};
use secrecy::ExposeSecret as _;
use tracing::{debug, warn};

use super::error;
use super::options::{self, KafkaOptions, Login, Security};
use super::token::Tokens;
use crate::Error;

/// What clients are built from: settings, secrets and tokens.
pub(super) struct Access {
    config: ClientConfig,
    callbacks: Callbacks,
}

impl Access {
    /// Reads the secrets and, with OAUTHBEARER, waits for the first token.
    pub(super) async fn new(options: &KafkaOptions) -> Result<Self, Error> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &options.brokers).set("client.id", "xtsync");
        // The library's default of ten seconds is too long after a broker restart.
        config.set("reconnect.backoff.max.ms", "1000").set("socket.keepalive.enable", "true");
        config.set("topic.metadata.refresh.interval.ms", "60000").set("metadata.max.age.ms", "180000");
        let mut tokens = None;
        match &options.security {
            Security::Plaintext => {}
            Security::Tls { ca } => drop(config.set("security.protocol", "ssl").set("ssl.ca.location", authority(ca.as_deref()))),
            Security::Sasl { ca, login } => {
                config.set("security.protocol", "sasl_ssl").set("ssl.ca.location", authority(ca.as_deref()));
                tokens = log_in(&mut config, login).await?;
            }
        }
        Ok(Self { config, callbacks: Callbacks { tokens: tokens.map(Arc::new) } })
    }

    /// The base settings of a client.
    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }

    /// An admin client. It never requests a token by itself, so it gets the newest one here; one call to create topics is shorter than
    /// what a token has left.
    pub(super) fn admin(&self) -> Result<AdminClient<Callbacks>, Error> {
        let admin: AdminClient<_> = self.config.create_with_context(self.callbacks()).map_err(|error| error::of(&error))?;
        if self.callbacks.tokens.is_some() {
            let token = self.callbacks.generate_oauth_token(None).map_err(|error| Error::Unavailable(error.to_string()))?;
            xtsync_kafka_token::set_token(admin.inner(), &token).map_err(Error::Refused)?;
        }
        Ok(admin)
    }

    /// The callbacks of a client.
    pub(super) fn callbacks(&self) -> Callbacks {
        self.callbacks.clone()
    }
}

/// The library is linked statically, so its default path is that of the OpenSSL build; `probe` searches the usual system paths.
fn authority(ca: Option<&Path>) -> String {
    ca.map_or_else(|| "probe".to_owned(), |ca| ca.display().to_string())
}

/// Bounds a consumer's memory for a slow subscriber, and lets it fetch again soon after its queue was full: the library's default of one
/// second would halve the speed of a replay.
pub(super) fn limit_prefetch(config: &mut ClientConfig) {
    config.set("queued.max.messages.kbytes", "8192").set("fetch.max.bytes", "8388608").set("fetch.queue.backoff.ms", "10");
}

async fn log_in(config: &mut ClientConfig, login: &Login) -> Result<Option<Tokens>, Error> {
    match login {
        Login::Scram { hash, user, password_file } => {
            let password = options::read_secret(password_file).await?;
            config.set("sasl.mechanism", hash.mechanism()).set("sasl.username", user).set("sasl.password", password.expose_secret());
            Ok(None)
        }
        Login::OAuth(oauth) => {
            config.set("sasl.mechanism", "OAUTHBEARER");
            Tokens::start(oauth.clone()).await.map(Some)
        }
    }
}

/// The library's callbacks; it calls them on its own threads and on polling threads.
#[derive(Clone)]
pub(super) struct Callbacks {
    tokens: Option<Arc<Tokens>>,
}

impl ClientContext for Callbacks {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // The library recovers by itself and no user has to act, so this is never logged as an error.
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => warn!(facility, message, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => debug!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka");
    }

    fn stats(&self, _: Statistics) {}

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let token = self.tokens.as_ref().and_then(|tokens| tokens.current());
        token.ok_or_else(|| "no token yet".into())
    }
}

impl ConsumerContext for Callbacks {}
