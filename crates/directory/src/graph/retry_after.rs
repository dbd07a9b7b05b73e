//! How long a directory asks us to wait: `Retry-After` in seconds, also in fractions of one, or as a date.
//!
//! A date is measured against the answer's own `Date`, so that no clock of ours is asked.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// What a throttled caller waits where the directory does not say.
pub(super) const DEFAULT: Duration = Duration::from_secs(10);

/// The shortest wait: who is throttled does not ask again at once, whatever he was told.
const MIN: Duration = Duration::from_millis(100);

/// The longest wait that is believed; a longer one is asked for again when this has passed.
const MAX: Duration = Duration::from_secs(300);

/// The wait that an answer asks for, if it asks for one that can be read.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = seconds(text).or_else(|| until(text, headers))?;
    Some(wait.clamp(MIN, MAX))
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    if seconds > MAX.as_secs_f64() { Some(MAX) } else { Duration::try_from_secs_f64(seconds).ok() }
}

fn until(text: &str, headers: &HeaderMap) -> Option<Duration> {
    let then = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let now = date(headers, DATE)?;
    Some(Duration::try_from(then - now).unwrap_or(Duration::ZERO))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(name)?.to_str().ok()?, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_in_fractions_and_as_a_date_and_is_bounded() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (text, sent, want) in [
            ("7", None, Some(7_000)),
            ("0.25", None, Some(250)),
            ("0", None, Some(100)),
            (" 12 ", None, Some(12_000)),
            ("1e9", None, Some(300_000)),
            ("inf", None, Some(300_000)),
            ("-1", None, None),
            ("NaN", None, None),
            ("soon", None, None),
            ("", None, None),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(date), Some(20_000)),
            ("Sun, 06 Nov 1994 09:49:37 GMT", Some(date), Some(300_000)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(date), Some(100)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            if let Some(sent) = sent {
                headers.insert(DATE, sent.parse().unwrap());
            }
            assert_eq!(wait(&headers), want.map(Duration::from_millis), "{text}");
        }
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
