//! Date formats as .NET writes them, compiled into parts.

use super::part::Part;
use super::standard::standard;

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    pub(super) parts: Vec<Part>,
}

impl Format {
    /// Compiles a format: one letter is a standard format, everything else is made of its parts.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        let mut letters = format.chars();
        let format = match (letters.next(), letters.next()) {
            (None, _) => return Err("the date format is empty".to_owned()),
            (Some(letter), None) => standard(letter).ok_or_else(|| format!("there is no date format `{letter}`"))?,
            (Some(_), Some(_)) => format,
        };
        let (mut parts, mut rest) = (Vec::new(), format);
        while let Some(first) = rest.chars().next() {
            rest = next(first, rest, &mut parts)?;
        }
        Ok(Self { parts })
    }
}

/// Compiles what begins with that character; returns what follows.
fn next<'f>(first: char, rest: &'f str, parts: &mut Vec<Part>) -> Result<&'f str, String> {
    let after = &rest[first.len_utf8()..];
    let part = match first {
        'y' | 'M' | 'd' | 'g' | 'h' | 'H' | 'm' | 's' | 'f' | 'F' | 't' | 'z' => {
            let after = after.trim_start_matches(first);
            parts.push(letters(first, rest.len() - after.len())?);
            return Ok(after);
        }
        '\'' | '"' => return quoted(first, after, parts),
        '%' if after.is_empty() || after.starts_with('%') => return Err("`%` stands before no letter of the date format".to_owned()),
        // It only keeps one letter from being a standard format.
        '%' => return Ok(after),
        '\\' => {
            let escaped = after.chars().next().ok_or("the date format ends with `\\`")?;
            parts.push(Part::Literal(escaped));
            return Ok(&after[escaped.len_utf8()..]);
        }
        'G' if after.starts_with("MT") => {
            parts.push(Part::Gmt);
            return Ok(&after[2..]);
        }
        'K' => Part::Zone,
        'Z' => Part::Zulu,
        '.' => Part::Point,
        ' ' => Part::Blank { is_quoted: false },
        other => Part::Literal(other),
    };
    parts.push(part);
    Ok(after)
}

/// The part that a letter means, so many times.
fn letters(letter: char, count: usize) -> Result<Part, String> {
    let digits = count.min(2);
    Ok(match letter {
        'y' if count > 9 => return Err("a year has at most nine digits".to_owned()),
        'y' => Part::Year(count),
        'M' if count > 2 => Part::MonthName { is_short: count == 3 },
        'M' => Part::Month(digits),
        'd' if count > 2 => Part::DayName { is_short: count == 3 },
        'd' => Part::Day(digits),
        'g' => Part::Era,
        'h' => Part::Hour12(digits),
        'H' => Part::Hour(digits),
        'm' => Part::Minute(digits),
        's' => Part::Second(digits),
        't' => Part::Half { is_short: count == 1 },
        'z' => Part::Offset(count.min(3)),
        _ if count > 7 => return Err("a second has at most seven digits after the point".to_owned()),
        'F' => Part::ShortFraction(count),
        _ => Part::Fraction(count),
    })
}

/// Compiles a quoted text after its quote; returns what follows. A backslash escapes also here.
fn quoted<'f>(quote: char, text: &'f str, parts: &mut Vec<Part>) -> Result<&'f str, String> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        let literal = match letter {
            _ if letter == quote => return Ok(&text[at + 1..]),
            '\\' => letters.next().map(|(_, escaped)| escaped),
            _ => Some(letter),
        };
        parts.extend(literal.map(|letter| if letter == ' ' { Part::Blank { is_quoted: true } } else { Part::Literal(letter) }));
    }
    Err(format!("a {quote} of the date format is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_format_says_why() {
        for (format, want) in [
            ("", "the date format is empty"),
            ("x", "there is no date format `x`"),
            ("yyyy'", "a ' of the date format is not closed"),
            ("'a\\", "a ' of the date format is not closed"),
            ("yyyy\\", "the date format ends with `\\`"),
            ("%%", "`%` stands before no letter of the date format"),
            ("yy%", "`%` stands before no letter of the date format"),
            ("yyyyyyyyyy", "a year has at most nine digits"),
            ("ss.ffffffff", "a second has at most seven digits after the point"),
        ] {
            assert_eq!(Format::new(format).unwrap_err(), want, "{format}");
        }
    }

    #[test]
    fn quotes_and_backslashes_keep_letters_as_they_are() {
        let literals = |text: &str| text.chars().map(Part::Literal).collect::<Vec<_>>();
        for (format, want) in
            [("'d\"d'", "d\"d"), ("\"it's\"", "it's"), ("\\d\\'", "d'"), ("'a\\'b'", "a'b"), ("T:", "T:"), ("é/", "é/"), ("''%T", "T")]
        {
            assert_eq!(Format::new(format).unwrap().parts, literals(want), "{format}");
        }
    }
}
