//! Serves HTTP/1 on a listener with limits, for small requests by machines such as probes and change notifications.
//!
//! HTTP/1 only: a connection has one request at a time, so the limit of connections also limits requests.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Connection, Incoming, Limits};
use crate::shutdown::Shutdown;

/// The most bytes of a request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The most header fields of a request.
const HEAD_FIELDS_MAX: usize = 64;

/// Serves until the shutdown; then open requests have `shutdown_timeout` to finish.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown, shutdown_timeout: Duration) {
    let incoming = Incoming::new(listener, limits);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (connection, _) = incoming.accept() => {
                connections.spawn(serve_connection(connection, router.clone(), limits, shutdown.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = shutdown.cancelled() => break,
        }
    }
    drop(incoming);
    // An idle open connection does not delay the shutdown.
    tokio::time::timeout(shutdown_timeout, async { while connections.join_next().await.is_some() {} }).await.ok();
}

async fn serve_connection(connection: Connection, router: Router, limits: Limits, shutdown: Shutdown) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    protocol.max_buf_size(HEAD_BYTES_MAX).max_headers(HEAD_FIELDS_MAX);
    let served = protocol.serve_connection(TokioIo::new(connection), TowerToHyperService::new(router));
    let mut served = pin!(served);
    // An error here concerns only the peer's connection.
    tokio::select! {
        _ = served.as_mut() => {}
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await.ok();
        }
    }
}
