//! What a text said of a moment, put together.

use super::calendar::Fields;
use super::{DateTime, Styles, TICKS_PER_MINUTE, Zone};

/// What a text said.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) year: Option<u32>,
    pub(super) month: Option<u32>,
    pub(super) day: Option<u32>,
    /// From Sunday, which is 0.
    pub(super) weekday: Option<u32>,
    pub(super) hour: Option<u32>,
    pub(super) minute: Option<u32>,
    pub(super) second: Option<u32>,
    /// In units of 100 ns; a whole second where it was rounded up.
    pub(super) fraction: Option<u32>,
    pub(super) is_afternoon: Option<bool>,
    /// In minutes to the east.
    pub(super) offset: Option<i64>,
    /// Whether the offset was written as the letter of UTC.
    pub(super) is_utc: bool,
    /// Whether the year has only its last two digits.
    pub(super) is_short_year: bool,
    /// Whether the hour is one of twelve.
    pub(super) is_hour12: bool,
}

/// Sets what was found, unless something else was found before.
pub(super) fn set<T: PartialEq + Copy>(place: &mut Option<T>, found: T) -> Option<()> {
    (*place.get_or_insert(found) == found).then_some(())
}

/// The year of two digits: 49 is 2049, and 50 is 1950, as .NET 8 and Windows read them.
pub(super) fn four_digits(year: u32) -> u32 {
    if year < 50 { 2000 + year } else { 1900 + year }
}

impl Found {
    /// The moment, and what was said of its time zone; `None` if there is no such moment.
    pub(super) fn moment(&self, styles: Styles, now: DateTime) -> Option<(DateTime, Zone)> {
        let (year, month, day) = self.date(styles, now);
        let hour = self.hour24()?;
        let (minute, second) = (self.minute.unwrap_or_default(), self.second.unwrap_or_default());
        let whole = DateTime::from_fields(Fields { hour, minute, second, ..Fields::midnight(year, month, day) })?;
        let local = whole.checked_add_ticks(self.fraction.unwrap_or_default().into())?;
        if self.weekday.is_some_and(|weekday| weekday != local.weekday()) {
            return None;
        }
        let moment = local.checked_add_ticks(-self.offset.unwrap_or_default() * TICKS_PER_MINUTE)?;
        Some((moment, self.said_zone(styles)))
    }

    /// The date. What is missing before a part that is given is that of now, what is missing after it is the first.
    fn date(&self, styles: Styles, now: DateTime) -> (u32, u32, u32) {
        let year = self.year.map(|year| if self.is_short_year { four_digits(year) } else { year });
        let today = now.fields();
        match (year, self.month, self.day) {
            (None, None, None) if styles.has(Styles::NO_DATE) => (1, 1, 1),
            (None, None, None) => (today.year, today.month, today.day),
            (year, month, day) => (year.unwrap_or(today.year), month.unwrap_or(1), day.unwrap_or(1)),
        }
    }

    fn hour24(&self) -> Option<u32> {
        let hour = self.hour.unwrap_or_default();
        match (self.is_hour12, self.is_afternoon) {
            (true, _) if hour > 12 => None,
            (true, Some(true)) => Some(hour % 12 + 12),
            // Without its half of the day an hour of twelve is in the first.
            (true, Some(false) | None) => Some(hour % 12),
            (false, Some(is_afternoon)) => (is_afternoon == (hour >= 12)).then_some(hour),
            (false, None) => Some(hour),
        }
    }

    fn said_zone(&self, styles: Styles) -> Zone {
        let is_kept = styles.has(Styles::ROUNDTRIP) && self.is_utc;
        let is_said = self.offset.is_some() || styles.has(Styles::ASSUME_LOCAL) || styles.has(Styles::ASSUME_UNIVERSAL);
        match is_said {
            false => Zone::Unsaid,
            true if is_kept || styles.has(Styles::UNIVERSAL) => Zone::Utc,
            true => Zone::Offset,
        }
    }
}
