//! Takes the parts of a format from a text.

use super::Styles;
use super::cursor::Cursor;
use super::found::{Found, set};
use super::names::{DAYS, MONTHS};
use super::part::Part;

impl Found {
    /// Takes one part from the text.
    pub(super) fn take(&mut self, part: Part, text: &mut Cursor<'_>, styles: Styles) -> Option<()> {
        match part {
            Part::Year(letters) => {
                self.is_short_year |= letters <= 2;
                set(&mut self.year, text.digits(letters, letters.max(2))?)
            }
            Part::Month(digits) => set(&mut self.month, text.digits(digits, 2)?),
            Part::MonthName { is_short: true } => set(&mut self.month, text.short_name(&MONTHS)? + 1),
            Part::MonthName { is_short: false } => set(&mut self.month, text.long_name(&MONTHS)? + 1),
            Part::Day(digits) => set(&mut self.day, text.digits(digits, 2)?),
            Part::DayName { is_short: true } => set(&mut self.weekday, text.short_name(&DAYS)?),
            Part::DayName { is_short: false } => set(&mut self.weekday, text.long_name(&DAYS)?),
            Part::Era => (text.take_word("A.D.") || text.take_word("AD")).then_some(()),
            Part::Hour12(digits) => {
                self.is_hour12 = true;
                set(&mut self.hour, text.digits(digits, 2)?)
            }
            Part::Hour(digits) => set(&mut self.hour, text.digits(digits, 2)?),
            Part::Minute(digits) => set(&mut self.minute, text.digits(digits, 2)?),
            Part::Second(digits) => set(&mut self.second, text.digits(digits, 2)?),
            Part::Fraction(digits) => set(&mut self.fraction, text.fraction(digits, digits)?),
            Part::ShortFraction(digits) => set(&mut self.fraction, text.fraction(1, digits).unwrap_or_default()),
            Part::Half { is_short } => self.half(is_short, text),
            Part::Offset(letters @ (1 | 2)) => set(&mut self.offset, text.offset_hours(letters)?),
            Part::Offset(_) => set(&mut self.offset, text.offset()?),
            Part::Zone => self.zone(text),
            Part::Zulu => (text.take_word("GMT") || text.take_word("Z")).then(|| self.utc())?,
            Part::Gmt => text.take_text("GMT").then(|| set(&mut self.offset, 0))?,
            Part::Blank { .. } if styles.has(Styles::INNER) => {
                text.blanks();
                Some(())
            }
            // A blank of the format may be missing where blanks at the end do not count.
            Part::Blank { is_quoted } => (text.take(' ') || (!is_quoted && styles.has(Styles::TRAILING))).then_some(()),
            Part::Point => text.take('.').then_some(()),
            Part::Literal(letter) => text.take(letter).then_some(()),
        }
    }

    /// `Z`, an offset, or nothing.
    fn zone(&mut self, text: &mut Cursor<'_>) -> Option<()> {
        match text.peek() {
            Some('Z') => text.take('Z').then(|| self.utc())?,
            Some('+' | '-') => set(&mut self.offset, text.offset()?),
            _ => Some(()),
        }
    }

    fn half(&mut self, is_short: bool, text: &mut Cursor<'_>) -> Option<()> {
        let is_afternoon = match is_short {
            true => text.take_any(&['A', 'P'])? == 'P',
            false if text.take_word("AM") => false,
            false => text.take_word("PM").then_some(true)?,
        };
        set(&mut self.is_afternoon, is_afternoon)
    }

    fn utc(&mut self) -> Option<()> {
        self.is_utc = true;
        set(&mut self.offset, 0)
    }
}
