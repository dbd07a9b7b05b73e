//! Durations as administrators write them: `30s`, `1h 30m`, `7d`, or ISO 8601 such as `PT5M`.
//!
//! One reader for resources, flags and URL parameters. Days have 24 hours; months and years have no fixed length and are refused.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// What to write, for error messages.
const EXAMPLES: &str = "write it as 30s, 5m, 1h 30m or PT5M";

/// Reads a duration.
///
/// # Errors
/// A sentence that says what is wrong: no duration, a negative one, or one without a fixed length.
pub fn parse(text: &str) -> Result<Duration, String> {
    let span: Span = text.trim().parse().map_err(|_| format!("'{text}' is not a duration: {EXAMPLES}"))?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("'{text}' has no fixed length: use weeks, days or smaller units"))?;
    Duration::try_from(length).map_err(|_| format!("'{text}' is negative: {EXAMPLES}"))
}

/// Reads a duration that is longer than zero, for what would never end or never pause otherwise.
///
/// # Errors
/// As [`parse`], and for zero.
pub fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err(format!("'{text}' must be longer than zero")),
        duration => Ok(duration),
    }
}

/// Writes a duration so that [`parse`] reads the same back.
#[must_use]
pub fn format(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| format!("{}s", duration.as_secs()), |duration| format!("{duration:#}"))
}

/// A field of a resource that holds a duration: `#[serde(with = "crate::duration::text")]`.
pub(crate) mod text {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        super::format(*duration).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        super::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_in_both_notations_and_written_so_that_it_reads_back() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("1m 30s", 90.0),
            ("1h30m", 5_400.0),
            ("500ms", 0.5),
            ("7d", 604_800.0),
            ("2 weeks", 1_209_600.0),
            ("PT5M", 300.0),
            ("P1DT12H", 129_600.0),
            ("0s", 0.0),
        ] {
            let read = parse(text).unwrap();
            assert_eq!(read, Duration::from_secs_f64(seconds), "{text}");
            assert_eq!(parse(&format(read)), Ok(read), "{text} as {}", format(read));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_in_words() {
        for (text, want) in [
            ("-5s", "'-5s' is negative"),
            ("-PT5M", "'-PT5M' is negative"),
            ("soon", "'soon' is not a duration: write it as"),
            ("", "'' is not a duration"),
            ("30", "'30' is not a duration"),
            ("P1M", "'P1M' has no fixed length"),
            ("99999999999999999999s", "is not a duration"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
        assert_eq!(parse_positive("0s").unwrap_err(), "'0s' must be longer than zero");
        assert_eq!(parse_positive("1s"), Ok(Duration::from_secs(1)));
    }
}
