//! Makes text safe to show: ids and names come from directories, and what they hold must not steer a terminal or pass for other lines.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What happens to the ends of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are the text's own.
    Kept,
    /// They stand in a value, which is part of a line.
    Escaped,
}

/// What our own colours look like, and nothing else of what begins with an escape. Red is that of a warning.
const COLOURS: [&str; 5] = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[39m", "\u{1b}[0m"];

/// The text with every character that a terminal obeys, or that reorders or hides others, as its code. Our own colours stay.
#[must_use]
pub fn visible(text: &str, lines: Lines) -> Cow<'_, str> {
    escaped(text, lines, &COLOURS)
}

/// As [`visible`], for a part of a line that has no colours of ours.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, Lines::Escaped, &[])
}

fn escaped<'text>(text: &'text str, lines: Lines, colours: &[&str]) -> Cow<'text, str> {
    if !text.chars().any(|letter| needs_escape(letter, lines)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let colour = colours.iter().find(|colour| rest.starts_with(**colour));
        match colour {
            Some(colour) => shown.push_str(colour),
            None if needs_escape(letter, lines) => {
                write!(shown, "\\u{{{:x}}}", u32::from(letter)).expect("writing to a string does not fail")
            }
            None => shown.push(letter),
        }
        rest = &rest[colour.map_or(letter.len_utf8(), |colour| colour.len())..];
    }
    Cow::Owned(shown)
}

/// JSON whose texts show no such character either; it says the same.
#[must_use]
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match needs_escape(letter, Lines::Kept) {
            true => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(shown, "\\u{unit:04x}").expect("writing to a string does not fail");
                }
            }
            false => shown.push(letter),
        }
    }
    shown
}

/// Whether a terminal obeys a character, or it changes how others are shown, or is not shown itself, so that two names look alike. Source:
/// Unicode, UAX 9 (directional formatting characters) and the property Default_Ignorable_Code_Point of UCD `DerivedCoreProperties`, without
/// what scripts and pictures need: the joiner of graphemes and selectors of variants.
fn needs_escape(letter: char, lines: Lines) -> bool {
    match letter {
        '\n' | '\t' => lines == Lines::Escaped,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            true
        }
        '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_control_characters_are_escaped() {
        for (text, want) in [
            ("Ünit & Sales 日本", "Ünit & Sales 日本"),
            ("a\u{1b}]0;owned\u{7}b", "a\\u{1b}]0;owned\\u{7}b"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}2Jb\r\u{8}\u{7f}\0", "a\\u{9b}2Jb\\u{d}\\u{8}\\u{7f}\\u{0}"),
            ("a\u{202e}b\u{2066}c\u{200b}", "a\\u{202e}b\\u{2066}c\\u{200b}"),
            ("a\u{61c}b\u{2060}c\u{ad}d\u{180e}\u{e0041}", "a\\u{61c}b\\u{2060}c\\u{ad}d\\u{180e}\\u{e0041}"),
            ("\u{1b}[32msettled\u{1b}[39m", "\u{1b}[32msettled\u{1b}[39m"),
        ] {
            assert_eq!(visible(text, Lines::Kept), want);
        }
        assert_eq!(visible("a\nb", Lines::Kept), "a\nb");
        assert_eq!(visible("a\nb\tc", Lines::Escaped), "a\\u{a}b\\u{9}c");
        assert_eq!(plain("\u{1b}[32ma\nb"), "\\u{1b}[32ma\\u{a}b");
    }

    #[test]
    fn json_is_equivalent_and_without_control_characters() {
        let value = serde_json::json!({"name": "a\u{1b}[2J\u{9b}\u{202e}\u{e0041}b\n"});
        let shown = json(&format!("{value:#}"));
        assert!(shown.chars().all(|letter| letter == '\n' || !needs_escape(letter, Lines::Kept)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
