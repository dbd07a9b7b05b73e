//! How connections are taken in: a limited number at once, none that says nothing, and a pause where the system has no more to give.
//!
//! Each listener has a limit of its own, far below what a process may open, so that connections to one of them cannot take the others'.
//! Where all permits are taken, further connections wait in the system's queue until a silent one is dropped.

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

/// The first and the longest pause after the system gave no connection, as where all file descriptors are taken.
const ACCEPT_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// How long the head of a request may take, from the connection or the answer before it.
    pub head_timeout: Duration,
    /// How long a connection may stand still otherwise: nothing read though something is waited for, nothing taken of an answer.
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

    /// The next connection, as soon as there is a place for it. Never fails: what keeps the system from giving one passes.
    pub async fn accept(&self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("permits are never closed");
        let mut pause = ACCEPT_RETRY_DELAYS.0;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return (Connection::new(stream, permit, self.limits), peer),
                Err(error) if is_peer_error(&error) => {}
                Err(error) => {
                    warn!(%error, ?pause, "no connection can be taken in");
                    sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_RETRY_DELAYS.1);
                }
            }
        }
    }

    /// Its connections as a stream without end.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        futures::stream::unfold(self, |incoming| async {
            let (connection, _) = incoming.accept().await;
            Some((Ok(connection), incoming))
        })
    }
}

/// Whether it is the peer that went away before the connection was taken in.
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
