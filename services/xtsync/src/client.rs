//! A client of the control API.

mod server;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::time::{Instant, sleep};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::server::NamedService;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use xtsync_contract::control::control_service_client::ControlServiceClient;
use xtsync_contract::control::control_service_server::ControlServiceServer;
use xtsync_control::Token;
use xtsync_domain::duration;

use crate::exit::{self, Failure};

pub use server::Trust;

/// The address of control, and the credentials for it.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// Address of the control API: https://, or http:// on loopback
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8600", env = "XTSYNC_SERVER")]
    pub server: String,

    /// How the identity of an https:// server is verified.
    #[command(flatten)]
    pub trust: Trust,

    /// File with the token of the control API [default: token in the data directory]
    #[arg(long, value_name = "FILE", env = "XTSYNC_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,

    /// Data directory of the server, where its token is
    #[arg(long, value_name = "DIR", default_value = "xtsync-data", env = "XTSYNC__DATA_DIR")]
    pub data_dir: PathBuf,

    /// The longest wait for control to be available, for example right after its start; 0s does not wait
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    pub connect_timeout: Duration,
}

/// The interval between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// A client with its token.
pub type Client = ControlServiceClient<InterceptedService<Channel, Bearer>>;

impl Connection {
    /// Connects as soon as control is available, within `--connect-timeout`.
    ///
    /// # Errors
    /// When there is no token, or no server listens within the limit.
    pub async fn connect(&self) -> exit::Result<Client> {
        self.connect_within(self.connect_timeout).await
    }

    /// Connects as soon as control is available: its token exists, it listens, and its health check reports serving. If it listens but does
    /// not serve within `limit`, the first call reports the reason.
    ///
    /// # Errors
    /// When there is no token, or no server listens within `limit`.
    pub async fn connect_within(&self, limit: Duration) -> exit::Result<Client> {
        let deadline = Instant::now() + limit;
        loop {
            let is_last = Instant::now() + RETRY_INTERVAL >= deadline;
            match self.try_to_connect().await {
                Ok((channel, token, serves)) if serves || is_last => return Ok(client(channel, &token)?),
                Err(failure) if is_last || failure.code == exit::Code::Usage => return Err(failure),
                Ok(_) | Err(_) => sleep(RETRY_INTERVAL).await,
            }
        }
    }

    /// A channel, the token, and whether control reports serving.
    async fn try_to_connect(&self) -> exit::Result<(Channel, Token, bool)> {
        // Checked before the token is read: the token is never sent unencrypted to another host.
        let endpoint = server::endpoint(&self.server, self.trust.ca.as_deref()).map_err(|error| exit::Code::Usage.because(error))?;
        let file = self.token_file.clone().unwrap_or_else(|| self.data_dir.join("token"));
        let token = Token::read(&file)
            .map_err(|error| anyhow!("no token of control in {} ({error}): name it by --token-file or --data-dir", file.display()))?;
        let channel = endpoint.connect().await.with_context(|| format!("connecting to control at {}", self.server))?;
        let serves = serves(channel.clone()).await;
        Ok((channel, token, serves))
    }
}

/// Whether control reports serving, by the gRPC health protocol.
async fn serves(channel: Channel) -> bool {
    let service = <ControlServiceServer<()> as NamedService>::NAME.to_owned();
    let answer = HealthClient::new(channel).check(HealthCheckRequest { service }).await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}

/// A client over a channel.
///
/// # Errors
/// When the token is not a valid header value.
pub fn client(channel: Channel, token: &Token) -> anyhow::Result<Client> {
    let authorization = MetadataValue::try_from(token.authorization()).context("the token is no header")?;
    Ok(ControlServiceClient::with_interceptor(channel, Bearer(authorization)))
}

/// Presents the token.
#[derive(Debug, Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Calls control, and retries while it answers `UNAVAILABLE`, at most `limit`. The call must be idempotent.
///
/// # Errors
/// The last status of control.
pub async fn retry_while_unavailable<T>(limit: Duration, mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    let deadline = Instant::now() + limit;
    loop {
        match call().await {
            Err(status) if status.code() == Code::Unavailable && Instant::now() + RETRY_INTERVAL < deadline => sleep(RETRY_INTERVAL).await,
            answered => return answered,
        }
    }
}

/// The failure of a command for a status of control.
#[must_use]
pub fn failure(status: &Status) -> Failure {
    let code = match status.code() {
        Code::PermissionDenied | Code::Unauthenticated => exit::Code::Refused,
        _ => exit::Code::Failed,
    };
    let message = if status.message().is_empty() { status.code().description() } else { status.message() };
    code.because(anyhow::anyhow!("{message}"))
}
