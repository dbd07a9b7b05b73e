//! Waiting for a condition with a deadline, and names that no other test uses.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout_at};

/// How long to wait between two checks. Shorter than users notice, longer than a check takes.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Calls `look` repeatedly until it returns `Some`, and returns that value.
///
/// `None` and an error both mean "not yet".
///
/// # Errors
/// After `limit`, with `what` was waited for and the last error that `look` gave.
pub async fn wait_for<T>(limit: Duration, what: &str, mut check: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    let mut last_error = None;
    loop {
        match timeout_at(deadline, check()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last_error = Some(error),
            Err(_elapsed) => {}
        }
        if Instant::now() >= deadline {
            let late = format!("waited {limit:?} in vain for {what}");
            return Err(match last_error {
                Some(error) => error.context(late),
                None => anyhow!(late),
            });
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// `prefix` and eight random hexadecimal digits: a topic, group or database name of one's own on a shared server.
#[must_use]
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_result_is_returned_as_soon_as_it_is_available() {
        let mut checks = 0;
        let answer = wait_for(Duration::from_secs(10), "the third look", async || {
            checks += 1;
            Ok((checks == 3).then_some("here"))
        });
        assert_eq!(answer.await.unwrap(), "here");
    }

    #[tokio::test]
    async fn a_timeout_error_names_the_condition_and_the_last_error() {
        let error = wait_for::<()>(SOON, "godot", async || Err(anyhow!("not here")));
        assert_eq!(format!("{:#}", error.await.unwrap_err()), "waited 20ms in vain for godot: not here");
    }

    #[tokio::test]
    async fn a_check_that_never_ends_times_out() {
        let never = wait_for::<()>(SOON, "an answer", async || std::future::pending().await);
        assert_eq!(never.await.unwrap_err().to_string(), "waited 20ms in vain for an answer");
    }
}
