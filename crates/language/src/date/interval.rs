//! Intervals of time as Visual Basic names them: adding them to a moment, and counting them between two.

use super::{DateTime, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// The names that an interval may have.
pub(crate) const NAMES: &str = "yyyy, q, m, ww, d, h, n, s";

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    /// `yyyy`.
    Year,
    /// `q`.
    Quarter,
    /// `m`.
    Month,
    /// `ww`.
    Week,
    /// `d`.
    Day,
    /// `h`.
    Hour,
    /// `n`.
    Minute,
    /// `s`.
    Second,
}

impl Interval {
    /// The interval of a name; names are case-sensitive, as everything in an expression.
    pub(crate) fn new(name: &str) -> Option<Self> {
        Some(match name {
            "yyyy" => Self::Year,
            "q" => Self::Quarter,
            "m" => Self::Month,
            "ww" => Self::Week,
            "d" => Self::Day,
            "h" => Self::Hour,
            "n" => Self::Minute,
            "s" => Self::Second,
            _ => return None,
        })
    }

    /// The moment so many intervals later, or earlier if there are fewer than none; `None` outside the years 1 to 9999.
    pub(crate) fn add(self, time: DateTime, count: i64) -> Option<DateTime> {
        let months = |each: i64| time.checked_add_months(count.checked_mul(each)?);
        let ticks = |each: i64| time.checked_add_ticks(count.checked_mul(each)?);
        match self {
            Self::Year => months(12),
            Self::Quarter => months(3),
            Self::Month => months(1),
            Self::Week => ticks(7 * TICKS_PER_DAY),
            Self::Day => ticks(TICKS_PER_DAY),
            Self::Hour => ticks(TICKS_PER_HOUR),
            Self::Minute => ticks(TICKS_PER_MINUTE),
            Self::Second => ticks(TICKS_PER_SECOND),
        }
    }

    /// How many from one moment to another: of years, quarters, months and weeks how often a new one begins, of days and less how many have
    /// passed entirely.
    pub(crate) fn count(self, from: DateTime, to: DateTime) -> i64 {
        let begun = |each: i64| to.fields().months() / each - from.fields().months() / each;
        let passed = |each: i64| (to.ticks() - from.ticks()) / each;
        match self {
            Self::Year => begun(12),
            Self::Quarter => begun(3),
            Self::Month => begun(1),
            Self::Week => week(to) - week(from),
            Self::Day => passed(TICKS_PER_DAY),
            Self::Hour => passed(TICKS_PER_HOUR),
            Self::Minute => passed(TICKS_PER_MINUTE),
            Self::Second => passed(TICKS_PER_SECOND),
        }
    }
}

/// The number of a week, which begins on Sunday. The first day of the year 1 was a Monday.
fn week(time: DateTime) -> i64 {
    (time.days() + 1) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_longer_ones_are_counted_where_they_begin_and_shorter_ones_when_they_have_passed() {
        for (interval, from, to, want) in [
            ("yyyy", "2020-12-31", "2021-01-01", 1),
            ("q", "2021-03-31", "2021-04-01", 1),
            ("q", "2021-01-01", "2021-03-31", 0),
            ("m", "2021-01-31", "2021-02-01", 1),
            ("m", "2021-03-01", "2020-12-31", -3),
            ("ww", "2021-08-28", "2021-08-29", 1),
            ("ww", "2021-08-22", "2021-08-28T23:59:59", 0),
            ("ww", "2021-08-29T23:00", "2021-08-28T01:00", -1),
            ("d", "2021-08-28T12:00", "2021-08-29T11:59:59", 0),
            ("d", "2021-08-28T12:00", "2021-08-27T00:00", -1),
            ("h", "2021-08-28T12:59", "2021-08-28T13:01", 0),
            ("n", "0001-01-01", "9999-12-31T23:59:59", 5_258_964_959),
            ("s", "9999-12-31T23:59:59", "0001-01-01", -315_537_897_599),
        ] {
            let [from, to] = [from, to].map(|text| DateTime::parse(text).unwrap());
            assert_eq!(Interval::new(interval).unwrap().count(from, to), want, "{interval} {from} {to}");
        }
    }

    #[test]
    fn every_name_that_is_listed_is_known_and_no_other_is() {
        assert!(NAMES.split(", ").all(|name| Interval::new(name).is_some()));
        assert!(["", "D", "y", "w", "day", "yyyy "].iter().all(|name| Interval::new(name).is_none()));
    }
}
