//! `Left(text, count)`: the first characters of a text; the whole text for a negative count or a longer one, an empty text for none.
//!
//! UTF-16 code units count, as in .NET; a cut that would fall inside a character moves before it.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::text::{part, prefix};
use crate::value::{Kind, Value};

pub(crate) const LEFT: Function = Function::new(
    "Left",
    &[Parameter::required("string", Accepts::Text), Parameter::required("numChars", Accepts::Integer)],
    Kind::Text,
    left,
);

fn left<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)? else { return Ok(Value::from("")) };
    let Some(count) = arguments.integer(1)? else { return Ok(Value::Null) };
    match usize::try_from(count) {
        Err(_) => arguments.sized(text),
        Ok(count) => {
            let end = prefix(&text, count);
            arguments.sized(part(text, 0, end))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_first_characters_are_taken() {
        check(&[
            (r#"Left("John Doe", 3)"#, r#""Joh""#),
            (r#"Left("John Doe", -1)"#, r#""John Doe""#),
            (r#"Left("John Doe", 0)"#, r#""""#),
            (r#"Left("John Doe", 99)"#, r#""John Doe""#),
            (r#"Left("ö😀x", 2)"#, r#""ö""#),
            (r#"Left("ö😀x", 3)"#, r#""ö😀""#),
            ("Left([none], 3)", r#""""#),
            ("Left([name], [none])", "null"),
            (r#"Left([name], "2")"#, r#""an""#),
            (r#"Left([name], "two")"#, "refused constant: `numChars` of Left needs a whole number"),
        ]);
    }
}
