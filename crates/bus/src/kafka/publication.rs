//! Records that were sent together, until the library has reported each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rdkafka::message::{DeliveryResult, Message as _};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::error;
use crate::Error;

/// Records that were sent together.
pub(super) struct Publication {
    /// How many the library has not reported yet.
    outstanding: AtomicUsize,
    /// The first failure.
    failed: Mutex<Option<Error>>,
    /// What bulk records hold until all are reported, whether their publisher waits or not.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    complete: Notify,
}

impl Publication {
    /// A publication of that many records.
    pub(super) fn new(records: usize, permit: Option<OwnedSemaphorePermit>) -> Arc<Self> {
        let outstanding = AtomicUsize::new(records);
        Arc::new(Self { outstanding, failed: Mutex::default(), permit: Mutex::new(permit), complete: Notify::new() })
    }

    /// Reports the result of some of the records.
    pub(super) fn settle(&self, records: usize, result: Result<(), Error>) {
        if let Err(error) = result {
            self.failed.lock().get_or_insert(error);
        }
        if self.outstanding.fetch_sub(records, Ordering::AcqRel) == records {
            self.permit.lock().take();
            self.complete.notify_one();
        }
    }

    /// Waits until all are reported; returns the first failure.
    pub(super) async fn delivered(&self) -> Result<(), Error> {
        while self.outstanding.load(Ordering::Acquire) > 0 {
            self.complete.notified().await;
        }
        self.failed.lock().take().map_or(Ok(()), Err)
    }
}

/// Whether a broker has acknowledged a record. Where it has not the library assumes an acknowledgement at times, without an offset: the
/// record may be lost.
pub(super) fn acknowledged(delivered: &DeliveryResult<'_>) -> Result<(), Error> {
    match delivered {
        Ok(message) if message.offset() >= 0 => Ok(()),
        Ok(message) => {
            Err(Error::Publish { topic: message.topic().to_owned(), reason: "no broker has acknowledged the record".to_owned() })
        }
        Err((error, message)) => Err(error::of_record(error, message.topic())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_publication_ends_with_its_last_record_and_reports_the_first_failure() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        let publication = Publication::new(4, Some(permit));
        publication.settle(1, Ok(()));
        publication.settle(1, Err(Error::Unavailable("first".to_owned())));
        publication.settle(1, Err(Error::Unavailable("second".to_owned())));
        assert!(futures::poll!(Box::pin(publication.delivered())).is_pending());
        assert_eq!(permits.available_permits(), 0);
        publication.settle(1, Ok(()));
        assert_eq!(permits.available_permits(), 1, "though no publisher has waited for it");
        let failed = publication.delivered().await.unwrap_err();
        assert!(failed.to_string().contains("first"), "{failed}");
    }
}
