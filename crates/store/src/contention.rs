//! Retries a transaction that failed because of a concurrent one: it was rolled back, so it is safe to run again.
//!
//! After a deadlock or a lock timeout the next attempt mostly succeeds. A retry here costs a moment; a failure would cost the caller far
//! more, for example when one transaction commits the work of many.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::sleep;
use tracing::debug;

use super::Error;
use xtsync_runtime::backoff;
use xtsync_runtime::telemetry::chain;

/// The number of attempts in all.
const ATTEMPTS_MAX: u32 = 6;

/// The longest first pause, and the longest of all.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// An error that may mean contention.
pub trait MayBeContended: std::error::Error + 'static {
    /// Whether it means contention: then the transaction had no effect.
    fn is_contended(&self) -> bool;
}

impl MayBeContended for Error {
    fn is_contended(&self) -> bool {
        matches!(self, Self::Contended(_) | Self::Changed)
    }
}

/// Runs a whole transaction, from its beginning to its commit, and again if it failed because of contention.
///
/// # Errors
/// The error of the last attempt.
pub async fn retry_contended<T, E: MayBeContended, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> Result<T, E> {
    for failures in 1..ATTEMPTS_MAX {
        match attempt().await {
            Err(error) if error.is_contended() => {
                debug!(failures, error = chain(&error), "a transaction conflicted with another and is retried");
                let pause = backoff::delay_between(failures, RETRY_DELAYS.0, RETRY_DELAYS.1, &mut StdRng::from_os_rng());
                sleep(pause).await;
            }
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn contended() -> Error {
        Error::Contended(sqlx::Error::RowNotFound)
    }

    #[tokio::test]
    async fn only_a_contended_transaction_is_retried_a_few_times() {
        let attempts = Cell::new(0);
        let count = || attempts.set(attempts.get() + 1);
        let done = retry_contended(async || {
            count();
            if attempts.get() < 3 { Err(contended()) } else { Ok(attempts.get()) }
        });
        assert_eq!(done.await.unwrap(), 3);
        attempts.set(0);
        let never = retry_contended(async || {
            count();
            Err::<(), _>(contended())
        });
        assert!(never.await.unwrap_err().is_contended());
        assert_eq!(attempts.get(), ATTEMPTS_MAX);
        attempts.set(0);
        let other = retry_contended(async || {
            count();
            Err::<(), _>(Error::Fenced("target/hub".to_owned()))
        });
        assert!(matches!(other.await, Err(Error::Fenced(_))));
        assert_eq!(attempts.get(), 1);
    }
}
