//! The handle through which the API reaches the running service. It is empty while control is not running.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::context::Context;

/// A shared handle to the running service. All clones refer to the same service.
#[derive(Clone)]
pub struct ContextHandle(watch::Sender<Option<Arc<Context>>>);

impl ContextHandle {
    /// Creates an empty handle.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn set(&self, context: Arc<Context>) {
        self.0.send_replace(Some(context));
    }

    pub(crate) fn clear(&self) {
        self.0.send_replace(None);
    }

    /// Returns the context of the running service, if there is one.
    pub(crate) fn get(&self) -> Option<Arc<Context>> {
        self.0.borrow().clone()
    }

    /// Returns a receiver of each start and end of the service.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Arc<Context>>> {
        self.0.subscribe()
    }
}

impl Default for ContextHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ContextHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextHandle").field(&self.0.borrow().is_some()).finish()
    }
}
