//! How long a directory asks us to wait: `Retry-After` in seconds, also in fractions of one, or as a date. And whether it is about to.
//!
//! A date is measured against the answer's own `Date`, so that no clock of ours is asked.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::bounded;

/// What a throttled caller waits where the directory does not say.
pub(super) const DEFAULT: Duration = Duration::from_secs(10);

/// The share of a limit that is used up, from 0.8 on and beyond 1.
///
/// Source: Microsoft Graph, "Throttling limits", identity and access.
const USED: HeaderName = HeaderName::from_static("x-ms-throttle-limit-percentage");

/// From which share on the rest is kept for what is urgent.
const NEAR_LIMIT_SHARE: f64 = 0.8;

/// The shortest wait: a throttled caller does not retry at once, whatever the answer says.
const MIN: Duration = Duration::from_millis(100);

/// The longest wait that is believed; a longer one is asked for again when this has passed.
const MAX: Duration = Duration::from_secs(300);

/// The wait that an answer asks for, if it asks for one that can be read.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = seconds(text).or_else(|| until(text, headers))?;
    Some(wait.clamp(MIN, MAX))
}

/// Whether an answer says that most of a limit is used up.
pub(super) fn is_near_limit(headers: &HeaderMap) -> bool {
    let used = headers.get(USED).and_then(|used| used.to_str().ok()?.trim().parse::<f64>().ok());
    used.is_some_and(|used| used >= NEAR_LIMIT_SHARE)
}

fn seconds(text: &str) -> Option<Duration> {
    bounded::seconds(text.parse().ok()?, MIN, MAX)
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

    #[test]
    fn an_answer_warns_from_four_fifths_of_a_limit_on() {
        for (text, want) in [("0.8", true), ("1.3", true), ("0.79", false), ("", false), ("most", false), ("NaN", false)] {
            let headers = HeaderMap::from_iter([(USED, text.parse().unwrap())]);
            assert_eq!(is_near_limit(&headers), want, "{text}");
        }
        assert!(!is_near_limit(&HeaderMap::new()));
    }
}
