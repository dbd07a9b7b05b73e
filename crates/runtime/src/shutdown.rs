//! The shutdown of a process: one token, cloned to each task.
//!
//! The first SIGTERM or SIGINT starts the drain. The second one ends the process at once.

use std::io;
use std::process::exit;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The exit code of a process that ended before its drain.
const FAILED: i32 = 1;

/// A token that signals the shutdown to all holders of a clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A token without a request to stop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that SIGTERM or SIGINT cancels.
    ///
    /// # Errors
    /// If signal handlers cannot be installed.
    pub fn on_signal() -> io::Result<Self> {
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::new();
        tokio::spawn(listen(signals, shutdown.clone()));
        Ok(shutdown)
    }

    /// Starts the shutdown.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether the shutdown has started.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the shutdown starts.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    /// Runs a future until it completes or the shutdown starts: then it is dropped, and the result is `None`.
    pub async fn or<F: Future>(&self, work: F) -> Option<F::Output> {
        self.0.run_until_cancelled(work).await
    }

    /// A child token: cancelled with this one, and also alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

async fn listen((mut terminate, mut interrupt): (Signal, Signal), shutdown: Shutdown) {
    let mut next = async || tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
    let first = next().await;
    info!(signal = first, "shutdown requested: finishing work in progress");
    shutdown.begin();
    let second = next().await;
    warn!(signal = second, "shutdown requested again: stopping at once");
    exit(FAILED);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_at_the_shutdown_and_a_child_stops_alone() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.or(async { 7 }).await, Some(7));
        let child = shutdown.child();
        child.begin();
        assert!(child.is_cancelled() && !shutdown.is_cancelled());
        shutdown.begin();
        assert_eq!(shutdown.or(std::future::pending::<()>()).await, None);
        assert!(shutdown.child().is_cancelled());
    }
}
