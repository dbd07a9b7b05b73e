//! Dropping clients aside: closing one waits for the broker, for as long as a session lasts when that is gone, and must hold up nobody.

use std::ops::Deref;

use tracing::warn;

/// A value that is dropped in a thread of its own, wherever its owner is dropped. A thread and not a task of the runtime, since that
/// would wait for it when it ends.
pub(super) struct Aside<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Aside<T> {
    /// Wraps a value.
    pub(super) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("the value is taken only when this is dropped")
    }
}

impl<T: Send + 'static> Drop for Aside<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        if let Err(error) = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || drop(value)) {
            warn!(%error, "no thread to close a kafka client in; it was closed in place");
        }
    }
}
