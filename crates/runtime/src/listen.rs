//! Accepts connections: a limited number at once, only while they make progress, with a pause when the system has no file descriptors left.
//!
//! Each listener has its own limit, far below the limit of the process, so that connections to one listener cannot block another. When all
//! permits are in use, further connections wait in the system's queue until an idle one is dropped.

mod connection;
mod http;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::warn;

pub use connection::Connection;
pub use http::serve;

/// The first and the longest pause after the system refused a connection, for example because all file descriptors are in use.
const ACCEPT_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at once.
    pub connections: usize,
    /// How long a request head may take, from the start of the connection or the end of the previous response.
    pub head_timeout: Duration,
    /// How long a connection may otherwise be without progress: no bytes read while some are expected, or none of a response accepted.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, head_timeout: Duration::from_secs(10), idle_timeout: Duration::from_secs(30) }
    }
}

/// A listener with its limits.
#[derive(Debug)]
pub struct Incoming {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    limits: Limits,
}

impl Incoming {
    /// A listener with limits.
    #[must_use]
    pub fn new(listener: TcpListener, limits: Limits) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(limits.connections)), limits }
    }

    /// Returns the next connection as soon as a permit is free. It never fails: after a system error it retries.
    pub async fn accept(&self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("permits are never closed");
        let mut pause = ACCEPT_RETRY_DELAYS.0;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return (Connection::new(stream, permit, self.limits), peer),
                Err(error) if is_peer_error(&error) => {}
                Err(error) => {
                    warn!(%error, ?pause, "accepting a connection failed");
                    sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_RETRY_DELAYS.1);
                }
            }
        }
    }

    /// The connections as an endless stream.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        futures::stream::unfold(self, |incoming| async {
            let (connection, _) = incoming.accept().await;
            Some((Ok(connection), incoming))
        })
    }
}

/// Whether the peer closed the connection before it was accepted.
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
