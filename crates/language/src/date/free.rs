//! Reads a date without a format, in the forms of .NET's invariant culture that name a year.
//!
//! `yyyy-MM-dd`, also with `/` or `.`, `yyyy-MM`, `M/d/yyyy`, also with `-`, and English names of months; then perhaps a time after a blank
//! or `T`, and an offset, also without a time. A date without a year would depend on the day on which it is read, and `d.M.yyyy` would be
//! read as `M.d.yyyy`: neither is read.

use super::calendar::Fields;
use super::cursor::Cursor;
use super::found::four_digits;
use super::names::{DAYS, MONTHS};
use super::{DateTime, TICKS_PER_MINUTE};

/// The forms of a date: each gives it at its beginning.
const FORMS: [fn(&mut Cursor<'_>) -> Option<Fields>; 4] = [year_first, month_first, day_and_name, name_first];

/// Reads a date; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let mut text = Cursor::new(text.trim());
    let weekday = text.name(&DAYS);
    if weekday.is_some() && !text.take_all(&[',', ' ']) {
        return None;
    }
    let date = FORMS.iter().find_map(|form| {
        let mut after = text;
        let date = form(&mut after)?;
        text = after;
        Some(date)
    })?;
    let (time, fraction) = time(&mut text, date)?;
    text.blanks();
    let offset = if text.is_end() { 0 } else { zone(&mut text)? };
    if !text.is_end() {
        return None;
    }
    let local = DateTime::from_fields(time)?;
    if weekday.is_some_and(|weekday| weekday != local.weekday()) {
        return None;
    }
    local.checked_add_ticks(i64::from(fraction) - offset * TICKS_PER_MINUTE)
}

/// `yyyy-MM-dd`, and `yyyy-MM` alone.
fn year_first(text: &mut Cursor<'_>) -> Option<Fields> {
    let year = text.digits(4, 4)?;
    let separator = text.take_any(&['-', '/', '.'])?;
    let month = month(text)?;
    if text.is_end() {
        return Some(Fields::midnight(year, month, 1));
    }
    text.take(separator).then(|| day(text).map(|day| Fields::midnight(year, month, day)))?
}

/// `M/d/yyyy`.
fn month_first(text: &mut Cursor<'_>) -> Option<Fields> {
    let month = text.digits(1, 2)?;
    let separator = text.take_any(&['/', '-'])?;
    let day = text.digits(1, 2)?;
    text.take(separator).then(|| year(text).map(|year| Fields::midnight(year, month, day)))?
}

/// `15 June 2009`.
fn day_and_name(text: &mut Cursor<'_>) -> Option<Fields> {
    let day = text.digits(1, 2)?;
    gap(text);
    let month = text.name(&MONTHS)? + 1;
    gap(text);
    Some(Fields::midnight(year(text)?, month, day))
}

/// `June 15, 2009`, and `June 2009`.
fn name_first(text: &mut Cursor<'_>) -> Option<Fields> {
    let month = text.name(&MONTHS)? + 1;
    gap(text);
    if let Some(year) = text.digits(4, 4) {
        return Some(Fields::midnight(year, month, 1));
    }
    let day = text.digits(1, 2)?;
    gap(text).then(|| year(text).map(|year| Fields::midnight(year, month, day)))?
}

/// What stands between the parts of a date with a name.
fn gap(text: &mut Cursor<'_>) -> bool {
    text.take_all(&[' ', ',', '.', '-', '/'])
}

fn year(text: &mut Cursor<'_>) -> Option<u32> {
    text.digits(4, 4).or_else(|| text.digits(2, 2).map(four_digits)).filter(|_| !is_digit(*text))
}

fn month(text: &mut Cursor<'_>) -> Option<u32> {
    text.digits(1, 2).or_else(|| text.name(&MONTHS).map(|number| number + 1))
}

fn day(text: &mut Cursor<'_>) -> Option<u32> {
    text.digits(1, 2).filter(|_| !is_digit(*text))
}

fn is_digit(text: Cursor<'_>) -> bool {
    text.peek().is_some_and(|next| next.is_ascii_digit())
}

/// The date with the time that follows, if one does, and the fraction of its second.
fn time(text: &mut Cursor<'_>, date: Fields) -> Option<(Fields, u32)> {
    let is_marked = text.take_any(&['T', 't']).is_some();
    let is_apart = !is_marked && text.take_all(&[' ', ',']);
    if !is_digit(*text) {
        return (!is_marked).then_some((date, 0));
    }
    if !is_marked && !is_apart {
        return None;
    }
    let (mut time, mut fraction) = (Fields { hour: text.digits(1, 2)?, ..date }, 0);
    let has_minutes = text.take(':');
    if has_minutes {
        time.minute = text.digits(1, 2)?;
        if text.take(':') {
            time.second = text.digits(1, 2)?;
            fraction = if text.take('.') { text.fraction(1, usize::MAX)? } else { 0 };
        }
    }
    match half(text) {
        Some(is_afternoon) => time.hour = hour24(time.hour, is_afternoon)?,
        None if has_minutes => {}
        None => return None,
    }
    Some((time, fraction))
}

/// `AM` or `PM`.
fn half(text: &mut Cursor<'_>) -> Option<bool> {
    let mut after = *text;
    after.blanks();
    let is_afternoon = if after.take_word("PM") { true } else { after.take_word("AM").then_some(false)? };
    *text = after;
    Some(is_afternoon)
}

/// The hour of 24. An hour after twelve may also bear its `PM`.
fn hour24(hour: u32, is_afternoon: bool) -> Option<u32> {
    match (is_afternoon, hour) {
        (false, 12) => Some(0),
        (false, 13..) => None,
        (true, 0..12) => Some(hour + 12),
        (true | false, _) => Some(hour),
    }
}

/// `Z`, `GMT` or an offset, in minutes to the east.
fn zone(text: &mut Cursor<'_>) -> Option<i64> {
    if text.take_word("Z") || text.take_word("GMT") { Some(0) } else { text.free_offset() }
}
