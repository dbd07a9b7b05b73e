//! The HTTP endpoints for operators: `/metrics`, `/livez`, `/readyz`, `/healthz`.
//!
//! They contain no personal value, so they need no password; by default they are on loopback. The listener is bound before any other work
//! and answers while the process drains.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use tokio::net::TcpListener;

use crate::health::{Health, Probe, ProbeResult};
use crate::listen::{self, Limits};
use crate::shutdown::Shutdown;

/// How long an open request may take after the shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The machines that may connect to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine only.
    Loopback,
    /// Any machine that can connect to the address: requires explicit configuration, for example for a pod's probes.
    Anywhere,
}

/// Binds the listener; port 0 selects a free one.
///
/// # Errors
/// If the address is in use, or is not on loopback without explicit configuration.
pub async fn bind(address: SocketAddr, reach: Reach) -> io::Result<TcpListener> {
    if reach == Reach::Loopback && !address.ip().is_loopback() {
        let refusal = format!("{address} is reachable from other machines: name it explicitly to listen there");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal));
    }
    TcpListener::bind(address).await.map_err(|error| io::Error::new(error.kind(), format!("listening on {address}: {error}")))
}

/// Serves until the shutdown, which should come after all other tasks have drained.
pub async fn serve(listener: TcpListener, health: Health, registry: Registry, shutdown: Shutdown) {
    listen::serve(listener, router(health, registry), Limits::default(), shutdown, SHUTDOWN_TIMEOUT).await;
}

fn router(health: Health, registry: Registry) -> Router {
    let endpoint = |probe| {
        get(move |State(health): State<Health>, RawQuery(query): RawQuery| async move { response(&health.probe(probe), query.as_deref()) })
    };
    Router::new()
        .route("/livez", endpoint(Probe::Live))
        .route("/readyz", endpoint(Probe::Ready))
        .route("/healthz", endpoint(Probe::Ready))
        .with_state(health)
        .route("/metrics", get(move || async move { metrics(&registry) }))
}

/// As Kubernetes' endpoints: `ok`, or every condition if the probe fails or the query has `verbose`.
fn response(result: &ProbeResult, query: Option<&str>) -> Response {
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose=")));
    let status = if result.passes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = match (result.passes, verbose) {
        (true, false) => "ok\n".to_owned(),
        (true, true) => format!("{}check passed\n", result.lines),
        (false, _) => format!("{}check failed\n", result.lines),
    };
    (status, text).into_response()
}

fn metrics(registry: &Registry) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        format!("{status} {}", answer.split_once("\r\n\r\n").unwrap().1)
    }

    #[tokio::test]
    async fn probes_answer_as_kubernetes_expects_and_metrics_are_text() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), Reach::Loopback).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (health, shutdown) = (Health::new(), Shutdown::new());
        let store = health.condition("store");
        let registry = Registry::new();
        registry.register(Box::new(prometheus::IntCounter::new("xtsync_things_total", "Things.").unwrap())).unwrap();
        let server = tokio::spawn(serve(listener, health.clone(), registry, shutdown.clone()));
        assert_eq!(ask(address, "/readyz").await, "503 [-]store failed: starting\ncheck failed\n");
        assert_eq!(ask(address, "/livez").await, "200 ok\n");
        store.set(true, "");
        assert_eq!(ask(address, "/readyz").await, "200 ok\n");
        assert_eq!(ask(address, "/healthz?verbose").await, "200 [+]store ok\ncheck passed\n");
        assert!(ask(address, "/metrics").await.contains("\nxtsync_things_total 0\n"));
        assert!(ask(address, "/secrets").await.starts_with("404"));
        shutdown.begin();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn beyond_loopback_it_listens_only_when_configured() {
        let anywhere = "0.0.0.0:0".parse().unwrap();
        let error = bind(anywhere, Reach::Loopback).await.unwrap_err();
        assert!(error.to_string().contains("reachable from other machines"), "{error}");
        bind(anywhere, Reach::Anywhere).await.unwrap();
    }
}
