//! Reads a text by a format, as .NET's `ParseExact` does.

use super::cursor::Cursor;
use super::found::Found;
use super::part::Part;
use super::{DateTime, Format, Styles, Zone};

impl Format {
    /// Reads a text; `None` if it does not look like this. What the format leaves out of the date is that of `now`.
    pub(crate) fn read(&self, text: &str, styles: Styles, now: DateTime) -> Option<(DateTime, Zone)> {
        let (parts, text) = trimmed(&self.parts, text, styles);
        let (mut cursor, mut found) = (Cursor::new(text), Found::default());
        let mut parts = parts.iter().copied().peekable();
        while let Some(part) = parts.next() {
            if styles.has(Styles::INNER) {
                cursor.blanks();
            }
            match part {
                Part::Point if cursor.take('.') => {}
                Part::Point => {
                    parts.next_if(|next| matches!(next, Part::ShortFraction(_)))?;
                }
                part => found.take(part, &mut cursor, styles)?,
            }
        }
        if cursor.is_end() { found.moment(styles, now) } else { None }
    }
}

/// Format and text without the blanks at their ends that do not count.
fn trimmed<'p, 't>(mut parts: &'p [Part], mut text: &'t str, styles: Styles) -> (&'p [Part], &'t str) {
    if styles.has(Styles::TRAILING) {
        text = text.trim_end();
        while let [before @ .., Part::Blank { .. }] = parts {
            parts = before;
        }
    }
    if styles.has(Styles::LEADING) {
        text = text.trim_start();
        while let [Part::Blank { .. }, after @ ..] = parts {
            parts = after;
        }
    }
    (parts, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text gives by a format and styles on 2 July 2021, in round-trip form.
    fn read(text: &str, format: &str, styles: &str) -> Option<String> {
        let now = DateTime::parse("2021-07-02T15:33:38Z").unwrap();
        let (time, zone) = Format::new(format).unwrap().read(text, Styles::new(styles).unwrap(), now)?;
        Some(Format::new("yyyy-MM-ddTHH:mm:ss.FFFFFFFK").unwrap().write(time, zone))
    }

    #[test]
    fn a_text_is_read_by_its_format() {
        for (text, format, want) in [
            ("20150123105347.1Z", "yyyyMMddHHmmss.fZ", "2015-01-23T10:53:47.1Z"),
            ("2020-12-31-08:00", "yyyy-MM-ddzzz", "2020-12-31T08:00:00+00:00"),
            ("2020-12-31", "yyyy-MM-dd", "2020-12-31T00:00:00"),
            ("1/2/20 3:04:05 pm", "M/d/yy h:mm:ss tt", "2020-01-02T15:04:05"),
            ("12:30 A", "hh:mm t", "2021-07-02T00:30:00"),
            ("11:30", "hh:mm", "2021-07-02T11:30:00"),
            ("0229 2020", "MMdd yyyy", "2020-02-29T00:00:00"),
            ("May", "MMM", "2021-05-01T00:00:00"),
            ("15", "%d", "2021-01-15T00:00:00"),
            ("Friday 5 june 2009", "dddd d MMMM yyyy", "2009-06-05T00:00:00"),
            ("2009-06-05T01:04:03Z", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "2009-06-05T01:04:03Z"),
            ("2009-06-05T01:04:03.5+0130", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "2009-06-04T23:34:03.5+00:00"),
            ("2009-06-05T01:04:03", "yyyy-MM-ddTHH:mm:ssK", "2009-06-05T01:04:03"),
            ("Fri, 05 Jun 2009 01:04:03 GMT", "r", "2009-06-05T01:04:03"),
            ("05 Jun 2009 GMT", "dd MMM yyyy GMT", "2009-06-05T00:00:00+00:00"),
            ("2009 AD", "yyyy g", "2009-01-01T00:00:00"),
            ("  2009  ", " yyyy' '", "2009-01-01T00:00:00"),
            ("2009-0607", "yyyy-MM dd", "2009-06-07T00:00:00"),
        ] {
            assert_eq!(read(text, format, "").as_deref(), Some(want), "{text} by {format}");
        }
    }

    #[test]
    fn a_text_that_looks_otherwise_is_not_read() {
        for (text, format) in [
            ("2020-1-2", "yyyy-MM-dd"),
            ("2020-01-02x", "yyyy-MM-dd"),
            ("2020-01", "yyyy-MM-dd"),
            ("2021-02-29", "yyyy-MM-dd"),
            ("2009-06-05", "yyyy.MM.dd"),
            ("13:00 PM", "hh:mm tt"),
            ("13:00 AM", "HH:mm tt"),
            ("Monday 5 June 2009", "dddd d MMMM yyyy"),
            ("1 2", "M%M"),
            ("01:04:03.5", "HH:mm:ss.ff"),
            ("01:04:03.", "HH:mm:ss"),
            ("2009-06-05T01:04:03", "yyyy-MM-ddTHH:mm:ssZ"),
            ("2009-06-05T01:04:03+15:00", "yyyy-MM-ddTHH:mm:sszzz"),
            ("0001-01-01+01:00", "yyyy-MM-ddzzz"),
            ("", "yyyy"),
        ] {
            assert_eq!(read(text, format, ""), None, "{text} by {format}");
        }
    }

    #[test]
    fn styles_say_what_blanks_and_zones_mean() {
        for (text, format, styles, want) in [
            (" 2009", "yyyy", "None", None),
            ("2009 ", "yyyy", "AllowLeadingWhite", None),
            ("2009 - 06", "yyyy-MM", "AllowInnerWhite", Some("2009-06-01T00:00:00")),
            ("2009-0607", "yyyy-MM dd", "None", None),
            ("10:00", "HH:mm", "NoCurrentDateDefault", Some("0001-01-01T10:00:00")),
            ("2009-06-05Z", "yyyy-MM-ddK", "None", Some("2009-06-05T00:00:00+00:00")),
            ("2009-06-05Z", "yyyy-MM-ddK", "AdjustToUniversal", Some("2009-06-05T00:00:00Z")),
            ("2009-06-05", "yyyy-MM-dd", "AssumeUniversal", Some("2009-06-05T00:00:00+00:00")),
            ("2009-06-05", "yyyy-MM-dd", "AssumeUniversal, AdjustToUniversal", Some("2009-06-05T00:00:00Z")),
        ] {
            assert_eq!(read(text, format, styles).as_deref(), want, "{text} by {format} with {styles}");
        }
    }
}
