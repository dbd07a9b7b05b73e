//! Moments, and dates as .NET reads and writes them in its invariant culture.
//!
//! A text without a format is read by [`DateTime::parse`] (`free`). A format is compiled once (`format`), reads texts (`read`) and writes
//! moments (`write`).

mod calendar;
mod cursor;
mod format;
mod found;
mod free;
mod interval;
mod names;
mod offset;
mod part;
mod read;
mod standard;
mod styles;
mod take;
#[cfg(test)]
mod tests;
mod write;
mod zone;

use std::fmt;

pub(crate) use format::Format;
pub(crate) use interval::{Interval, NAMES as INTERVALS};
pub(crate) use styles::Styles;
pub(crate) use zone::Zone;

pub(crate) const TICKS_PER_MICROSECOND: i64 = 10;
pub(crate) const TICKS_PER_SECOND: i64 = 10_000_000;
pub(crate) const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
pub(crate) const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
pub(crate) const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;

/// The last moment of the year 9999.
const TICKS_MAX: i64 = 3_652_059 * TICKS_PER_DAY - 1;

/// The beginning of the year 1601, from which Windows counts.
const FILETIME_ZERO: i64 = 584_388 * TICKS_PER_DAY;

/// The beginning of the year 1970, from which Unix counts.
const UNIX_ZERO: i64 = 719_162 * TICKS_PER_DAY;

/// A moment in UTC, in units of 100 ns since the beginning of the year 1, as .NET counts them. The last one is in the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTime {
    ticks: i64,
}

impl DateTime {
    /// Reads a date as .NET does without a format; `None` if it is none. Without an offset it is in UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        free::parse(text)
    }

    /// The moment of that many units of 100 ns since the beginning of the year 1; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_ticks(ticks: i64) -> Option<Self> {
        (0..=TICKS_MAX).contains(&ticks).then_some(Self { ticks })
    }

    /// Units of 100 ns since the beginning of the year 1.
    #[must_use]
    pub fn ticks(self) -> i64 {
        self.ticks
    }

    /// The moment of that many units of 100 ns since the beginning of the year 1601, as Windows and Active Directory count.
    #[must_use]
    pub fn from_filetime(filetime: i64) -> Option<Self> {
        if filetime < 0 { None } else { Self::from_ticks(FILETIME_ZERO.checked_add(filetime)?) }
    }

    /// Units of 100 ns since the beginning of the year 1601; `None` before it.
    #[must_use]
    pub fn to_filetime(self) -> Option<i64> {
        let filetime = self.ticks - FILETIME_ZERO;
        (filetime >= 0).then_some(filetime)
    }

    /// The moment of that many microseconds since the beginning of the year 1970.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        Self::from_ticks(micros.checked_mul(TICKS_PER_MICROSECOND)?.checked_add(UNIX_ZERO)?)
    }

    /// Whole microseconds since the beginning of the year 1970, negative before it.
    #[must_use]
    pub fn to_unix_micros(self) -> i64 {
        (self.ticks - UNIX_ZERO).div_euclid(TICKS_PER_MICROSECOND)
    }

    /// The moment that many units of 100 ns later, or earlier if there are fewer than none.
    pub(crate) fn checked_add_ticks(self, ticks: i64) -> Option<Self> {
        Self::from_ticks(self.ticks.checked_add(ticks)?)
    }
}

/// `M/d/yyyy h:mm:ss tt`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields();
        write!(f, "{}/{}/{:04} ", fields.month, fields.day, fields.year)?;
        write!(f, "{}:{:02}:{:02} {}", fields.hour12(), fields.minute, fields.second, fields.half())
    }
}
