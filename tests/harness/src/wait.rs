//! Waiting for a condition with a deadline, and names that no other test uses.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout_at};

/// How long to rest between two looks. Short against what a person notices, long against what a look costs.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Asks `look` again and again until it answers `Some`, and gives that answer.
///
/// `None` and an error both mean "not yet".
///
/// # Errors
/// After `limit`, with `what` was waited for and the last error that `look` gave.
pub async fn wait_for<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    let mut seen = None;
    loop {
        match timeout_at(deadline, look()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => seen = Some(error),
            Err(_elapsed) => {}
        }
        if Instant::now() >= deadline {
            let late = format!("waited {limit:?} in vain for {what}");
            return Err(match seen {
                Some(error) => error.context(late),
                None => anyhow!(late),
            });
        }
        sleep(BETWEEN_LOOKS).await;
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
    async fn the_answer_is_given_as_soon_as_there_is_one() {
        let mut looks = 0;
        let answer = wait_for(Duration::from_secs(10), "the third look", async || {
            looks += 1;
            Ok((looks == 3).then_some("here"))
        });
        assert_eq!(answer.await.unwrap(), "here");
    }

    #[tokio::test]
    async fn a_deadline_names_what_was_waited_for_and_what_was_seen_last() {
        let error = wait_for::<()>(SOON, "godot", async || Err(anyhow!("nobody on the road")));
        assert_eq!(format!("{:#}", error.await.unwrap_err()), "waited 20ms in vain for godot: nobody on the road");
    }

    #[tokio::test]
    async fn a_look_that_never_ends_is_cut_at_the_deadline() {
        let never = wait_for::<()>(SOON, "an answer", async || std::future::pending().await);
        assert_eq!(never.await.unwrap_err().to_string(), "waited 20ms in vain for an answer");
    }
}
