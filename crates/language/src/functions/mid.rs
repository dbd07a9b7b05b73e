//! `Mid(source, start, length)`: the characters of a text from a place, which counts from 1; fewer, or none, where the text ends before.
//!
//! UTF-16 code units count, as in .NET; a cut that would fall inside a character moves before it.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::text::{part, prefix};
use crate::value::{Kind, Value};

const NO_START: &str = "counts from 1";
const NO_LENGTH: &str = "cannot be negative";

pub(crate) const MID: Function = Function {
    prepare,
    ..Function::new(
        "Mid",
        &[
            Parameter::required("source", Accepts::Text),
            Parameter::required("start", Accepts::Integer),
            Parameter::required("length", Accepts::Integer),
        ],
        Kind::Text,
        mid,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    match (written.integer(1)?, written.integer(2)?) {
        (Some(..1), _) => Err(Problem::constant(1, format!("`start` {NO_START}"))),
        (_, Some(..0)) => Err(Problem::constant(2, format!("`length` {NO_LENGTH}"))),
        (Some(_) | None, Some(_) | None) => Ok(Prepared::Nothing),
    }
}

fn mid<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (Some(text), Some(start), Some(length)) = (arguments.text(0)?, arguments.integer(1)?, arguments.integer(2)?) else {
        return Ok(Value::Null);
    };
    let before = start.checked_sub(1).and_then(|before| usize::try_from(before).ok()).ok_or_else(|| arguments.invalid(1, NO_START))?;
    let length = usize::try_from(length).map_err(|_| arguments.invalid(2, NO_LENGTH))?;
    let (from, to) = (prefix(&text, before), prefix(&text, before.saturating_add(length)));
    arguments.sized(part(text, from, to))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn characters_from_a_place_are_taken() {
        check(&[
            ("Append(Mid([text:John], 1, 3), Mid([text:Doe], 1, 5))", r#""JohDoe""#),
            ("Mid([name], 2, 1)", r#""n""#),
            ("Mid([name], 2, 9223372036854775807)", r#""na""#),
            ("Mid([name], 4, 1)", r#""""#),
            ("Mid([name], 1, 0)", r#""""#),
            (r#"Mid("ö😀x", 2, 1)"#, r#""""#),
            (r#"Mid("ö😀x", 2, 2)"#, r#""😀""#),
            (r#"Mid("ö😀x", 3, 2)"#, r#""😀x""#),
            ("Mid([none], 1, 1)", "null"),
            ("Mid([name], [none], 1)", "null"),
        ]);
    }

    #[test]
    fn places_before_the_text_are_refused() {
        check(&[
            ("Mid([name], 0, 1)", "refused constant: Mid: `start` counts from 1"),
            ("Mid([name], 1, -1)", "refused constant: Mid: `length` cannot be negative"),
            ("Mid([name], [text:-1], 1)", "failed invalid_value"),
            ("Mid([name], 1, [text:-1])", "failed invalid_value"),
        ]);
    }
}
