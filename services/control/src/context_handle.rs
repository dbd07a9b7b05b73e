//! Where the API finds control: handed from whoever runs control to whoever serves its API, empty while control is not at work.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::context::Context;

/// What the API answers from; clones are the same one.
#[derive(Clone)]
pub struct ContextHandle(watch::Sender<Option<Arc<Context>>>);

impl ContextHandle {
    /// One that answers nothing yet.
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

    /// What there is to answer from.
    pub(crate) fn get(&self) -> Option<Arc<Context>> {
        self.0.borrow().clone()
    }

    /// Tells each opening and closing.
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
