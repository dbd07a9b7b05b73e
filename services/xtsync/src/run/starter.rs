//! What every role is built from, and a service that is built.

use std::pin::Pin;

use xtsync_change_detector::Inbox;
use xtsync_control::ContextHandle;
use xtsync_runtime::shutdown::Shutdown;

use super::Options;
use super::dependencies::Dependencies;

/// Builds roles.
#[derive(Clone)]
pub(super) struct Starter {
    pub(super) options: Options,
    pub(super) context_handle: ContextHandle,
    pub(super) inbox: Inbox,
    pub(super) dependencies: Dependencies,
}

/// A built service: the future that runs it until the shutdown.
pub(super) struct BuiltService(Box<dyn FnOnce(Shutdown) -> Work + Send>);

type Work = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

impl BuiltService {
    pub(super) fn new<F, W>(run: F) -> Self
    where
        F: FnOnce(Shutdown) -> W + Send + 'static,
        W: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self(Box::new(|shutdown| Box::pin(run(shutdown))))
    }

    /// One that only the shutdown ends.
    pub(super) fn endless<F, W>(run: F) -> Self
    where
        F: FnOnce(Shutdown) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        Self::new(|shutdown| async {
            run(shutdown).await;
            Ok(())
        })
    }

    /// Runs it until the shutdown.
    pub(super) fn run(self, shutdown: Shutdown) -> Work {
        (self.0)(shutdown)
    }
}
