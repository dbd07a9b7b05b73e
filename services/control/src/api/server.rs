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

/// The timeout of one call. It ends when the response begins, so that a watch may last longer.
const CALL_MAX: Duration = Duration::from_secs(60);

/// The maximum number of concurrent calls per connection.
const CALLS_MAX: usize = 32;

/// The maximum number of bytes of a call's metadata.
const HEAD_BYTES_MAX: u32 = 16 * 1024;

/// The interval of HTTP/2 keep-alive pings to a client, and the timeout for its answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The limits of the listener. A connection that answers keep-alive pings never reaches the idle timeout.
const LIMITS: Limits = Limits { connections: 64, head_timeout: Duration::from_secs(10), idle_timeout: Duration::from_secs(60) };

/// Serves the API until the shutdown. The API has no TLS, so the caller passes a listener on loopback.
///
/// # Errors
/// [`Error::Serve`] if the listener fails.
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

/// The identity that the token authenticates: its fingerprint.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity(pub(super) Arc<str>);

type Guarded<F> = InterceptedService<ControlServiceServer<Api>, F>;

/// Wraps the service in an interceptor that checks the token.
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
    // 64 KiB more than an apply, for the fields around the documents.
    InterceptedService::new(ControlServiceServer::new(api).max_decoding_message_size(BYTES_MAX + (64 << 10)), check)
}

/// Serves gRPC reflection, without the token, for clients such as `grpcurl`.
fn reflection() -> tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection> {
    let builder = tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS);
    builder.build_v1().expect("the checked-in descriptors are complete")
}

/// Reports the service as serving to gRPC health while it can answer calls.
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
