//! Transactions that lost a race: rolled back for certain, so done again in place, a few times.
//!
//! A deadlock or a lock that was not free in time says nothing about what was to be done: the next time it mostly passes. To give it up to
//! the caller would cost it far more than a moment, where the transaction is that of many.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::sleep;
use tracing::debug;

use super::Error;
use xtsync_runtime::backoff;
use xtsync_runtime::telemetry::chain;

/// How often it is tried in all.
const ATTEMPTS_MAX: u32 = 6;

/// The longest first pause, and the longest of all.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// An error that may say that a transaction lost a race.
pub trait MayBeContended: std::error::Error + 'static {
    /// Whether it does: then nothing of the transaction was done.
    fn is_contended(&self) -> bool;
}

impl MayBeContended for Error {
    fn is_contended(&self) -> bool {
        matches!(self, Self::Contended(_))
    }
}

/// Does a whole transaction, from its beginning to its commit, and again where it lost a race.
///
/// # Errors
/// What the last attempt failed with.
pub async fn retry_contended<T, E: MayBeContended, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> Result<T, E> {
    for failures in 1..ATTEMPTS_MAX {
        match attempt().await {
            Err(error) if error.is_contended() => {
                debug!(failures, error = chain(&error), "a transaction was in the way of another and is done again");
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
    async fn a_transaction_that_lost_a_race_is_done_again_a_few_times_and_no_other_is() {
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
