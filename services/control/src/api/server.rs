//! The listener of the control API: token, limits, health and reflection.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::{Request, Status};
use xtsync_contract::DESCRIPTORS;
use xtsync_contract::control::control_service_server::ControlServiceServer;
use xtsync_runtime::listen::{Incoming, Limits};
use xtsync_runtime::shutdown::Shutdown;

use super::Api;
use crate::Error;
use crate::context_handle::ContextHandle;
use crate::manifest::BYTES_MAX;
use crate::token::Token;

/// The longest that one call may take; a watch is many short ones to itself.
const CALL_MAX: Duration = Duration::from_secs(60);

/// Calls of one connection at work at once.
const CALLS_MAX: usize = 32;

/// The most bytes of a call's metadata.
const HEAD_BYTES_MAX: u32 = 16 * 1024;

/// How often a silent client is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that answers keep-alive never stands still for so long.
const LIMITS: Limits = Limits { connections: 64, head_timeout: Duration::from_secs(10), idle_timeout: Duration::from_secs(60) };

/// Serves the API until the shutdown. The listener is on loopback; beyond it is refused until TLS is there.
///
/// # Errors
/// When the listener is not on loopback or fails.
pub async fn serve(listener: TcpListener, token: Token, context_handle: ContextHandle, shutdown: Shutdown) -> Result<(), Error> {
    let (health, probe) = tonic_health::server::health_reporter();
    let reporting = tokio::spawn(report(health, context_handle.clone()));
    let served = Server::builder()
        .timeout(CALL_MAX)
        .concurrency_limit_per_connection(CALLS_MAX)
        .max_concurrent_streams(CALLS_MAX as u32)
        .http2_max_header_list_size(HEAD_BYTES_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(guarded(Api { context_handle }, token))
        .add_service(probe)
        .add_service(reflection())
        .serve_with_incoming_shutdown(Incoming::new(listener, LIMITS).into_stream(), async { shutdown.cancelled().await })
        .await;
    reporting.abort();
    served.map_err(Error::Serve)
}

/// Whom the token authenticates.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity(pub(super) Arc<str>);

type Guarded<F> = InterceptedService<ControlServiceServer<Api>, F>;

/// The service behind the token.
fn guarded(api: Api, token: Token) -> Guarded<impl Fn(Request<()>) -> Result<Request<()>, Status> + Clone> {
    let token = Arc::new(token);
    let identity = Identity(token.fingerprint().into());
    let check = move |mut request: Request<()>| {
        let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if !token.admits(given) {
            return Err(Status::unauthenticated("the token is missing or wrong: see --token-file"));
        }
        request.extensions_mut().insert(identity.clone());
        Ok(request)
    };
    // Room for the fields around the documents.
    InterceptedService::new(ControlServiceServer::new(api).max_decoding_message_size(BYTES_MAX + (64 << 10)), check)
}

/// Describes the contract to whoever asks, as `grpcurl` does.
fn reflection() -> tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection> {
    let builder = tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS);
    builder.build_v1().expect("our own descriptors are whole")
}

/// Serving is what can be answered.
async fn report(health: tonic_health::server::HealthReporter, context_handle: ContextHandle) {
    let mut context_handle = context_handle.subscribe();
    loop {
        let serves = context_handle.borrow_and_update().is_some();
        match serves {
            true => health.set_serving::<ControlServiceServer<Api>>().await,
            false => health.set_not_serving::<ControlServiceServer<Api>>().await,
        }
        if context_handle.changed().await.is_err() {
            return;
        }
    }
}
