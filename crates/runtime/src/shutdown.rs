//! The word to stop: one token, cloned to everything that runs.
//!
//! The first SIGTERM or SIGINT asks to drain; the second one ends the process at once, since who asks twice does not want to wait.

use std::io;
use std::process::exit;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The exit code of a process that was not let drain.
const FAILED: i32 = 1;

/// Tells everybody who holds a clone that it is time to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// One that nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGTERM or SIGINT asks for.
    ///
    /// # Errors
    /// When the system does not let us listen to signals.
    pub fn on_signal() -> io::Result<Self> {
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::new();
        tokio::spawn(listen(signals, shutdown.clone()));
        Ok(shutdown)
    }

    /// Asks to stop.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is asked for.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }

    /// Runs something until it is done, or until it is time to stop: then `None`, and it is dropped where it waits.
    pub async fn or<F: Future>(&self, work: F) -> Option<F::Output> {
        self.0.run_until_cancelled(work).await
    }

    /// One below: asked for with this one, and also alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

async fn listen((mut terminate, mut interrupt): (Signal, Signal), shutdown: Shutdown) {
    let mut next = async || tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
    let first = next().await;
    info!(signal = first, "asked to stop: finishing what is in hand");
    shutdown.begin();
    let second = next().await;
    warn!(signal = second, "asked again: stopping at once");
    exit(FAILED);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_it_is_time_to_stop_and_a_child_stops_alone() {
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
