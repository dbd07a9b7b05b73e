//! A moment as the calendar and the clock show it, and months added to it.

use jiff::civil::Date;
use jiff::{SignedDuration, Span};

use super::{DateTime, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// The first day that there is.
const FIRST: Date = Date::constant(1, 1, 1);

/// A day in the middle.
const UNIX: Date = Date::constant(1970, 1, 1);

/// What the calendar and the clock show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields {
    /// From 1 to 9999.
    pub(crate) year: u32,
    /// From 1 to 12.
    pub(crate) month: u32,
    /// From 1.
    pub(crate) day: u32,
    /// From 0 to 23.
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    /// Of the second, in units of 100 ns.
    pub(crate) fraction: u32,
}

impl Fields {
    /// The beginning of a day.
    pub(crate) fn midnight(year: u32, month: u32, day: u32) -> Self {
        Self { year, month, day, hour: 0, minute: 0, second: 0, fraction: 0 }
    }

    /// The hour from 1 to 12.
    pub(crate) fn hour12(self) -> u32 {
        match self.hour % 12 {
            0 => 12,
            hour => hour,
        }
    }

    /// `AM` or `PM`.
    pub(crate) fn half(self) -> &'static str {
        if self.hour < 12 { "AM" } else { "PM" }
    }

    /// Months since the year 0.
    pub(crate) fn months(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }
}

impl DateTime {
    /// What the calendar and the clock show at this moment.
    pub(crate) fn fields(self) -> Fields {
        let date = self.date();
        let clock = |unit: i64, most: i64| u32::try_from(self.ticks / unit % most).unwrap_or_default();
        Fields {
            year: u32::from(date.year().unsigned_abs()),
            month: u32::from(date.month().unsigned_abs()),
            day: u32::from(date.day().unsigned_abs()),
            hour: clock(TICKS_PER_HOUR, 24),
            minute: clock(TICKS_PER_MINUTE, 60),
            second: clock(TICKS_PER_SECOND, 60),
            fraction: clock(1, TICKS_PER_SECOND),
        }
    }

    /// The moment at which they show this; `None` if they never do.
    pub(crate) fn from_fields(fields: Fields) -> Option<Self> {
        let date = Date::new(i16::try_from(fields.year).ok()?, i8::try_from(fields.month).ok()?, i8::try_from(fields.day).ok()?).ok()?;
        let limits = [(fields.hour, 24), (fields.minute, 60), (fields.second, 60), (fields.fraction, 10_000_000)];
        if limits.iter().any(|(value, limit)| value >= limit) {
            return None;
        }
        let seconds = i64::from((fields.hour * 60 + fields.minute) * 60 + fields.second);
        Self::from_ticks(days(date) * TICKS_PER_DAY + seconds * TICKS_PER_SECOND + i64::from(fields.fraction))
    }

    /// Days since the first one.
    pub(crate) fn days(self) -> i64 {
        self.ticks / TICKS_PER_DAY
    }

    /// The day of the week, from Sunday, which is 0.
    pub(crate) fn weekday(self) -> u32 {
        // The first day of the year 1 was a Monday.
        u32::try_from((self.days() + 1) % 7).unwrap_or_default()
    }

    /// The same day and time that many months later, or the last day of that month if it is shorter.
    pub(crate) fn checked_add_months(self, months: i64) -> Option<Self> {
        let date = self.date().checked_add(Span::new().try_months(months).ok()?).ok()?;
        Self::from_ticks(days(date) * TICKS_PER_DAY + self.ticks % TICKS_PER_DAY).filter(|_| date >= FIRST)
    }

    fn date(self) -> Date {
        // From the middle, because the calendar adds no more days than there are from there to its end.
        let days = self.days() - days(UNIX);
        // No moment is outside what the calendar knows.
        UNIX.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(FIRST)
    }
}

/// Days since the first one.
fn days(date: Date) -> i64 {
    date.duration_since(FIRST).as_hours() / 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_leads_back_to_the_moment() {
        for text in ["0001-01-01T00:00:00Z", "2000-02-29T12:30:59.1234567Z", "9999-12-31T23:59:59.9999999Z"] {
            let time = DateTime::parse(text).unwrap();
            assert_eq!(DateTime::from_fields(time.fields()), Some(time), "{text}");
        }
        assert_eq!(DateTime::from_fields(Fields::midnight(2021, 2, 29)), None);
        assert_eq!(DateTime::from_fields(Fields::midnight(0, 1, 1)), None);
        assert_eq!(DateTime::from_fields(Fields { hour: 24, ..Fields::midnight(2021, 1, 1) }), None);
    }

    #[test]
    fn a_month_that_is_too_short_gives_its_last_day() {
        for (from, months, want) in [
            ("2021-01-31", 1, Some("2/28/2021 12:00:00 AM")),
            ("2020-01-31", 1, Some("2/29/2020 12:00:00 AM")),
            ("2020-02-29", -12, Some("2/28/2019 12:00:00 AM")),
            ("2020-03-31T23:59:59", -1, Some("2/29/2020 11:59:59 PM")),
            ("0001-01-01", -1, None),
            ("9999-12-01", 1, None),
            ("2020-01-01", i64::MAX, None),
        ] {
            let moved = DateTime::parse(from).unwrap().checked_add_months(months);
            assert_eq!(moved.map(|time| time.to_string()).as_deref(), want, "{from} {months}");
        }
    }

    #[test]
    fn the_week_begins_on_sunday() {
        for (date, want) in [("0001-01-01", 1), ("2021-08-22", 0), ("2021-08-28", 6)] {
            assert_eq!(DateTime::parse(date).unwrap().weekday(), want, "{date}");
        }
    }
}
