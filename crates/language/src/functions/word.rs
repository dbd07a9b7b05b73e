//! `Word(text, number, delimiters)`: one of the words of a text, from 1. Each character of the delimiters separates words, and several in a row
//! separate them once, since a word has characters. An empty text where there is no such word.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::text::part;
use crate::value::{Kind, Value};

pub(crate) const WORD: Function = Function::new(
    "Word",
    &[
        Parameter::required("string", Accepts::Text),
        Parameter::required("wordNumber", Accepts::Integer),
        Parameter::required("delimiters", Accepts::Text),
    ],
    Kind::Text,
    word,
);

fn word<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (text, number) = (arguments.text(0)?, arguments.integer(1)?);
    let before = number.and_then(|number| number.checked_sub(1)).and_then(|before| usize::try_from(before).ok());
    let (Some(text), Some(before)) = (text, before) else { return Ok(Value::from("")) };
    let delimiters = arguments.text(2)?.unwrap_or_default();
    match nth(&text, before, &delimiters) {
        Some((from, to)) => arguments.sized(part(text, from, to)),
        None => Ok(Value::from("")),
    }
}

fn nth(text: &str, before: usize, delimiters: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    let mut words = text.split(|char| delimiters.contains(char)).filter_map(|word| {
        let place = (from, from + word.len());
        // After a word comes one delimiter.
        from = place.1 + text.get(place.1..)?.chars().next().map_or(0, char::len_utf8);
        (!word.is_empty()).then_some(place)
    });
    words.nth(before)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn words_count_from_1_between_any_of_the_delimiters() {
        check(&[
            (r#"Word("The quick brown fox",3," ")"#, r#""brown""#),
            (r#"Word("This,string!has&many separators",3,",!&#")"#, r#""has""#),
            (r#"Word("The quick",0," ")"#, r#""""#),
            (r#"Word([none],1," ")"#, r#""""#),
            (r#"Word("The quick",3," ")"#, r#""""#),
            (r#"Word("  The   quick ",2," ")"#, r#""quick""#),
            (r#"Word("eins–zwei😀drei",2,"–😀")"#, r#""zwei""#),
            (r#"Word([name],1,"")"#, r#""ana""#),
            (r#"Word([name],1,"an")"#, r#""""#),
            (r#"Word([name],[none]," ")"#, r#""""#),
        ]);
    }
}
