//! `ToLower(source, culture)`: a text in lower case, by the rules of a culture or of none; `case.rs` says how.

use crate::case::{self, Culture};
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::text::mapped;
use crate::value::{Kind, Value};

pub(crate) const TO_LOWER: Function = Function {
    prepare,
    ..Function::new(
        "ToLower",
        &[Parameter::required("source", Accepts::Text), Parameter::optional("culture", Accepts::Text)],
        Kind::Text,
        to_lower,
    )
};

fn to_lower<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    cased(arguments, case::lower)
}

const NO_CULTURE: &str = "is no name of a culture such as en-US";

/// Checks a constant culture.
pub(super) fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    match written.text(1) {
        Some(name) if Culture::of(&name).is_none() => Err(Problem::constant(1, format!("`culture` {NO_CULTURE}"))),
        Some(_) | None => Ok(Prepared::Nothing),
    }
}

/// The source with each character mapped by the rules of the culture.
pub(super) fn cased<'a>(arguments: &Arguments<'_, 'a>, map: fn(Culture, char) -> char) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)? else { return Ok(Value::Null) };
    let name = arguments.text(1)?.unwrap_or_default();
    let culture = Culture::of(&name).ok_or_else(|| arguments.invalid(1, NO_CULTURE))?;
    arguments.sized(mapped(text, |char| map(culture, char)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn case_follows_the_culture() {
        check(&[
            (
                r#"ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [text:John], [text:Smith]))), "contoso.com"))"#,
                r#""john.smith@contoso.com""#,
            ),
            (r#"ToLower("ÄÇ ΣΟΣ İ")"#, r#""äç σοσ İ""#),
            (r#"ToLower("II", "tr-TR")"#, r#""ıı""#),
            (r#"ToLower("II", "en-US")"#, r#""ii""#),
            (r#"ToLower("II", [none])"#, r#""ii""#),
            ("ToLower([none])", "null"),
        ]);
    }

    #[test]
    fn a_culture_has_a_name_that_looks_like_one() {
        check(&[
            (r#"ToLower([name], "english")"#, "refused constant: ToLower: `culture` is no name of a culture such as en-US"),
            ("ToLower([name], [text:en_US])", "failed invalid_value"),
        ]);
    }
}
