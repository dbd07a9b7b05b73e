//! Why a text is no expression or filter: a code, a message, where, and perhaps what was meant.

use std::fmt;

use crate::span::Span;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub code: Code,
    /// The same for a reader, without the place.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What may have been meant, if that can be said.
    pub hint: Option<String>,
}

/// What is wrong with a text. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character or number that the language does not have.
    Character,
    /// A text without its end.
    Unterminated,
    /// Something else was expected here.
    Unexpected,
    /// There is no such function or operator.
    UnknownFunction,
    /// The function belongs to another product, or cannot keep its promise here.
    Unsupported,
    /// The attribute is not known, or cannot be read.
    UnknownAttribute,
    /// Too few or too many arguments.
    Arguments,
    /// A value of a kind that does not fit.
    Kind,
    /// A constant that the function cannot take.
    Constant,
    /// A regular expression that cannot be used.
    Pattern,
    /// The text is too long, or nested too deep.
    TooLarge,
}

impl Code {
    /// Its name, such as `unknown_function`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Character => "character",
            Self::Unterminated => "unterminated",
            Self::Unexpected => "unexpected",
            Self::UnknownFunction => "unknown_function",
            Self::Unsupported => "unsupported",
            Self::UnknownAttribute => "unknown_attribute",
            Self::Arguments => "arguments",
            Self::Kind => "kind",
            Self::Constant => "constant",
            Self::Pattern => "pattern",
            Self::TooLarge => "too_large",
        }
    }
}

impl Error {
    /// An error at a place.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, hint: None }
    }

    /// The same with what may have been meant.
    #[must_use]
    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The message, then the line of the text with a caret below the place, as a terminal shows them.
    #[must_use]
    pub fn show(&self, text: &str) -> String {
        format!("{self}\n{}", self.place(text))
    }

    /// The line of the text with a caret below the place. Of a long line only what is near the place is shown.
    #[must_use]
    pub fn place(&self, text: &str) -> String {
        let start = self.span.start.min(text.len());
        let begin = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line: Vec<char> = text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default().chars().collect();
        let before = text.get(begin..start).unwrap_or_default().chars().count();
        let carets = self.span.of(text).lines().next().unwrap_or_default().chars().count().max(1);
        let from = if line.len() > SHOWN_MAX { before.saturating_sub(SHOWN_MAX / 2) } else { 0 };
        let shown: String = line.iter().skip(from).take(SHOWN_MAX).map(|char| if char.is_control() { ' ' } else { *char }).collect();
        format!("{shown}\n{}{}", " ".repeat(before - from), "^".repeat(carets.min(SHOWN_MAX)))
    }
}

/// The most characters of a line that are shown with a place in it.
const SHOWN_MAX: usize = 120;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, ", did you mean `{hint}`?"))
    }
}

impl std::error::Error for Error {}

/// The candidate that differs from a word by the fewest edits, if by a few only. Case counts less than letters.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if word.is_empty() {
        return None;
    }
    let lower = word.to_lowercase();
    let distance = |candidate: &str| edits(&lower, &candidate.to_lowercase());
    let nearest = candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min()?;
    (nearest.0 <= 1 + word.chars().count() / 4).then(|| nearest.1.to_owned())
}

/// How many letters are to be added, removed, changed or swapped with the next.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Option<(char, Vec<usize>)> = None;
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, other) in to.iter().enumerate() {
            let changed = row[column] + usize::from(letter != *other);
            let swapped = before.as_ref().filter(|(earlier, _)| column > 0 && *earlier == *other && to[column - 1] == letter);
            let swapped = swapped.map_or(usize::MAX, |(_, row)| row[column - 1] + 1);
            next.push(changed.min(swapped).min(row[column + 1] + 1).min(next[column] + 1));
        }
        before = Some((letter, std::mem::replace(&mut row, next)));
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown_below_its_line() {
        let text = "Append([a],\nJoim(\"é\", [b]))";
        let at = text.find("Joim").unwrap();
        let error = Error::new(Code::UnknownFunction, Span::new(at, at + 4), "unknown function `Joim`").hint(Some("Join".to_owned()));
        assert_eq!(error.show(text), "unknown function `Joim`, did you mean `Join`?\nJoim(\"é\", [b]))\n^^^^");
        let error = Error::new(Code::Unexpected, Span::new(text.len(), text.len()), "an argument is missing");
        assert_eq!(error.place(text).lines().nth(1), Some("               ^"));
    }

    #[test]
    fn of_a_long_line_what_is_near_the_place_is_shown() {
        let text = format!("{}Joim{}", "a".repeat(300), "b".repeat(300));
        let error = Error::new(Code::UnknownFunction, Span::new(300, 304), "unknown function `Joim`");
        let want = format!("{}Joim{}\n{}^^^^", "a".repeat(60), "b".repeat(56), " ".repeat(60));
        assert_eq!(error.place(&text), want);
    }

    #[test]
    fn what_was_meant_is_near() {
        let names = ["Join", "Left", "Coalesce", "ToLower"];
        for (word, want) in [
            ("Joim", Some("Join")),
            ("tolower", Some("ToLower")),
            ("Colaesce", Some("Coalesce")),
            ("Lfet", Some("Left")),
            ("Switch", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names).as_deref(), want, "{word}");
        }
    }
}
