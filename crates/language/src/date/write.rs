//! Writes a moment by a format, as .NET does in its invariant culture.

use std::fmt::{self, Write};

use super::calendar::Fields;
use super::names::{DAYS, MONTHS, long, short};
use super::part::Part;
use super::{DateTime, Format, Zone};

impl Format {
    /// The moment as a text.
    pub(crate) fn write(&self, time: DateTime, zone: Zone) -> String {
        let (fields, weekday) = (time.fields(), time.weekday());
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = self.parts.iter().try_for_each(|part| write(&mut text, *part, fields, weekday, zone));
        text
    }
}

fn write(text: &mut String, part: Part, fields: Fields, weekday: u32, zone: Zone) -> fmt::Result {
    match part {
        Part::Year(letters @ (1 | 2)) => write!(text, "{:0letters$}", fields.year % 100),
        Part::Year(letters) => write!(text, "{:0letters$}", fields.year),
        Part::Month(digits) => write!(text, "{:0digits$}", fields.month),
        Part::MonthName { is_short: true } => text.write_str(short(&MONTHS, fields.month - 1)),
        Part::MonthName { is_short: false } => text.write_str(long(&MONTHS, fields.month - 1)),
        Part::Day(digits) => write!(text, "{:0digits$}", fields.day),
        Part::DayName { is_short: true } => text.write_str(short(&DAYS, weekday)),
        Part::DayName { is_short: false } => text.write_str(long(&DAYS, weekday)),
        Part::Era => text.write_str("A.D."),
        Part::Hour12(digits) => write!(text, "{:0digits$}", fields.hour12()),
        Part::Hour(digits) => write!(text, "{:0digits$}", fields.hour),
        Part::Minute(digits) => write!(text, "{:0digits$}", fields.minute),
        Part::Second(digits) => write!(text, "{:0digits$}", fields.second),
        Part::Fraction(digits) => text.write_str(fraction(fields).get(..digits).unwrap_or_default()),
        Part::ShortFraction(digits) => {
            text.push_str(fraction(fields).get(..digits).unwrap_or_default().trim_end_matches('0'));
            // Without a fraction there is no point either.
            if text.ends_with('.') {
                text.pop();
            }
            Ok(())
        }
        Part::Half { is_short: true } => text.write_str(fields.half().get(..1).unwrap_or_default()),
        Part::Half { is_short: false } => text.write_str(fields.half()),
        Part::Offset(1) => text.write_str("+0"),
        Part::Offset(2) => text.write_str("+00"),
        Part::Offset(_) => text.write_str("+00:00"),
        Part::Zone => text.write_str(match zone {
            Zone::Unsaid => "",
            Zone::Utc => "Z",
            Zone::Offset => "+00:00",
        }),
        Part::Zulu => text.write_char('Z'),
        // Only a reader knows it as one word: a writer sees a month between two letters.
        Part::Gmt => write!(text, "G{}T", fields.month),
        Part::Point => text.write_char('.'),
        Part::Blank { .. } => text.write_char(' '),
        Part::Literal(letter) => text.write_char(letter),
    }
}

/// The seven digits after the point.
fn fraction(fields: Fields) -> String {
    format!("{:07}", fields.fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_written_as_dotnet_does() {
        let time = DateTime::parse("2009-06-05T01:04:03.0506Z").unwrap();
        for (format, want) in [
            ("d dd ddd dddd ddddd", "5 05 Fri Friday Friday"),
            ("%M MM MMM MMMM", "6 06 Jun June"),
            ("%y yy yyy yyyy yyyyy", "9 09 2009 2009 02009"),
            ("%h hh hhh H HH HHH", "1 01 01 1 01 01"),
            ("%m mm s ss", "4 04 3 03"),
            ("%f ff fff ffff fffffff", "0 05 050 0506 0506000"),
            ("ss.F ss.FF ss.FFFFFFF", "03 03.05 03.0506"),
            ("%t tt", "A AM"),
            ("%z zz zzz K", "+0 +00 +00:00 Z"),
            ("yyyy'-'MM\\d \"dd\" gg", "2009-06d dd A.D."),
            ("HH:mm GMT", "01:04 G6T"),
            ("%d", "5"),
            ("d", "06/05/2009"),
            ("D", "Friday, 05 June 2009"),
            ("f", "Friday, 05 June 2009 01:04"),
            ("F", "Friday, 05 June 2009 01:04:03"),
            ("U", "Friday, 05 June 2009 01:04:03"),
            ("g", "06/05/2009 01:04"),
            ("G", "06/05/2009 01:04:03"),
            ("M", "June 05"),
            ("o", "2009-06-05T01:04:03.0506000Z"),
            ("R", "Fri, 05 Jun 2009 01:04:03 GMT"),
            ("s", "2009-06-05T01:04:03"),
            ("t", "01:04"),
            ("T", "01:04:03"),
            ("u", "2009-06-05 01:04:03Z"),
            ("Y", "2009 June"),
        ] {
            assert_eq!(Format::new(format).unwrap().write(time, Zone::Utc), want, "{format}");
        }
    }

    #[test]
    fn noon_and_midnight_are_at_twelve() {
        for (time, want) in [("00:30", "12:30 AM"), ("12:30", "12:30 PM"), ("23:00", "11:00 PM")] {
            let time = DateTime::parse(&format!("2009-06-05 {time}")).unwrap();
            assert_eq!(Format::new("h:mm tt").unwrap().write(time, Zone::Utc), want);
        }
    }
}
