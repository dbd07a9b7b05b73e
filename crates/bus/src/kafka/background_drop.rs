//! Drops Kafka clients in the background. Closing a client waits for the broker, up to a session timeout if the broker is down, and must
//! not block its owner. Only the end of the process waits, for a limited time: the library's threads must not run while their resources are
//! freed.

use std::ops::Deref;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::warn;

/// The number of clients being closed.
static CLOSING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A value that is dropped in its own thread, wherever its owner is dropped. It is a thread and not a task, because the runtime would wait
/// for a blocking task at its end.
pub(super) struct BackgroundDrop<T: Send + 'static>(Option<T>);

/// Counts one client as being closed until this is dropped.
struct Closing;

/// Waits until every dropped client is closed; false if that takes longer than `within`.
#[must_use]
pub fn wait_for_closing(within: Duration) -> bool {
    let (count, changed) = &CLOSING;
    let mut count = count.lock();
    changed.wait_while_for(&mut count, |count| *count > 0, within);
    *count == 0
}

impl<T: Send + 'static> BackgroundDrop<T> {
    /// Wraps a value.
    pub(super) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for BackgroundDrop<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("the value is taken only when this is dropped")
    }
}

impl<T: Send + 'static> Drop for BackgroundDrop<T> {
    fn drop(&mut self) {
        let (value, closing) = (self.0.take(), Closing::new());
        let close = move || {
            drop(value);
            drop(closing);
        };
        if let Err(error) = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(close) {
            warn!(%error, "no thread to close a kafka client; it was closed in place");
        }
    }
}

impl Closing {
    fn new() -> Self {
        *CLOSING.0.lock() += 1;
        Self
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        *CLOSING.0.lock() -= 1;
        CLOSING.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Blocks its drop until the test allows it.
    struct Slow(mpsc::Receiver<()>);

    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.recv().ok();
        }
    }

    #[test]
    fn wait_for_closing_waits_for_pending_drops() {
        let (may_end, slow) = mpsc::channel();
        drop(BackgroundDrop::new(Slow(slow)));
        assert!(!wait_for_closing(Duration::ZERO));
        may_end.send(()).unwrap();
        assert!(wait_for_closing(Duration::from_secs(60)));
    }
}
