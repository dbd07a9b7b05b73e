//! `PCase(source, wordSeparators)`: each word with its first character in upper case and the others in lower case.
//!
//! Without separators words are those of .NET's `ToTitleCase` after everything is in lower case: a word begins with a letter and goes on to the
//! next blank, control character, punctuation or symbol; an apostrophe (U+0027) and digits belong to it. With separators only those characters
//! stand between words, and a word's first character may be no letter, in which case the word is all in lower case.

use std::sync::LazyLock;

use regex::Regex;

use crate::case::{self, Culture};
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const PCASE: Function = Function::new(
    "PCase",
    &[Parameter::required("source", Accepts::Text), Parameter::optional("wordSeparators", Accepts::Text)],
    Kind::Text,
    pcase,
);

/// A word of `ToTitleCase`.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{L}(?:'|[^\p{Z}\p{Cc}\p{Cf}\p{P}\p{S}])*").ok());

fn pcase<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)? else { return Ok(Value::Null) };
    let separators = arguments.text(1)?.unwrap_or_default();
    let cased = if separators.is_empty() { by_category(&text) } else { by_separators(&text, &separators) };
    if cased == text { arguments.sized(text) } else { arguments.sized(cased) }
}

fn by_category(text: &str) -> String {
    if text.chars().all(|char| char < LATIN_END) { latin(text) } else { of_any_script(text) }
}

/// The character after Latin-1 and Latin Extended-A and -B, of which it is known without a table what they are.
const LATIN_END: char = '\u{250}';

/// The same as [`of_any_script`], for text of Latin letters alone.
fn latin(text: &str) -> String {
    let mut is_within = false;
    let cased = text.chars().map(|char| {
        let lower = case::lower(Culture::Invariant, char);
        let is_first = !is_within && lower.is_alphabetic();
        is_within = is_first || is_within && !separates(lower);
        if is_first { case::title(lower) } else { lower }
    });
    let mut titled = String::with_capacity(text.len());
    titled.extend(cased);
    titled
}

/// Whether a character before [`LATIN_END`] is a blank, a control character, punctuation but for the apostrophe, or a symbol.
fn separates(char: char) -> bool {
    match char {
        '\'' => false,
        '\0'..='\x7f' => !char.is_ascii_alphanumeric(),
        'ª' | 'µ' | 'º' | '²' | '³' | '¹' | '¼'..='¾' => false,
        '\u{80}'..='¿' | '×' | '÷' => true,
        _ => false,
    }
}

fn of_any_script(text: &str) -> String {
    let mut cased = lower(text);
    let starts: Vec<usize> = WORD.iter().flat_map(|word| word.find_iter(&cased)).map(|word| word.start()).collect();
    // From the end, so that a letter that becomes longer moves no start that is still to come.
    for start in starts.into_iter().rev() {
        if let Some(first) = cased.get(start..).and_then(|word| word.chars().next()) {
            cased.replace_range(start..start + first.len_utf8(), case::title(first).encode_utf8(&mut [0; 4]));
        }
    }
    cased
}

fn by_separators(text: &str, separators: &str) -> String {
    let mut is_first = true;
    let cased = text.chars().map(|char| {
        let cased = if is_first { case::title(char) } else { case::lower(Culture::Invariant, char) };
        is_first = separators.contains(char);
        cased
    });
    cased.collect()
}

fn lower(text: &str) -> String {
    text.chars().map(|char| case::lower(Culture::Invariant, char)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::WORD;
    use super::*;
    use crate::testing::check;

    #[test]
    fn words_begin_in_upper_case() {
        assert!(WORD.is_some());
        check(&[
            ("PCase([text:PABLO GONSALVES (SECOND)])", r#""Pablo Gonsalves (Second)""#),
            (r#"PCase(Join(" ",[text:GREGORY],[text:JAMES]))"#, r#""Gregory James""#),
            (r#"PCase("o'NEIL d’ARC")"#, r#""O'neil D’Arc""#),
            (r#"PCase("anna-maria_von 3abc a3b ÄÖ+é")"#, r#""Anna-Maria_Von 3Abc A3b Äö+É""#),
            (r#"PCase("ǆ ßa ı")"#, r#""ǅ ßa ı""#),
            ("PCase([empty])", r#""""#),
            ("PCase([none])", "null"),
        ]);
    }

    #[test]
    fn only_the_given_characters_separate_words() {
        check(&[
            (r#"PCase("PINTO-DE'SILVA"," '-")"#, r#""Pinto-De'Silva""#),
            (r#"PCase("PINTO-DE'SILVA"," ")"#, r#""Pinto-de'silva""#),
            (r#"PCase("pablo (SECOND)"," ")"#, r#""Pablo (second)""#),
            (r#"PCase([name],"")"#, r#""Ana""#),
        ]);
    }

    proptest! {
        #[test]
        fn latin_text_is_cased_as_any_text(text in "[\u{0}-\u{24f}]{0,20}") {
            prop_assert_eq!(latin(&text), of_any_script(&text), "{:?}", text);
        }
    }

    #[test]
    fn every_latin_character_separates_words_or_not_as_in_any_text() {
        for char in ('\0'..LATIN_END).filter(|char| case::lower(Culture::Invariant, *char) < LATIN_END) {
            let text = format!("a{char}b {char}c");
            assert_eq!(latin(&text), of_any_script(&text), "{char:?}");
        }
    }
}
