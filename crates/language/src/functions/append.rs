//! `Append(source, suffix)`: one text after the other.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const APPEND: Function = Function::new(
    "Append",
    &[Parameter::required("source", Accepts::Text), Parameter::required("suffix", Accepts::Text)],
    Kind::Text,
    append,
);

/// One text and then the other.
pub(super) fn append<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (source, suffix) = (arguments.text(0)?, arguments.text(1)?);
    match (source, suffix) {
        (None, None) => Ok(Value::Null),
        (Some(text), None) | (None, Some(text)) => arguments.sized(text),
        (Some(source), Some(suffix)) => arguments.sized(source + suffix),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn texts_are_appended_and_nothing_adds_nothing() {
        check(&[
            (r#"Append([name], ".test")"#, r#""ana.test""#),
            (r#"Append([none], "x")"#, r#""x""#),
            (r#"Append([none], [none])"#, "null"),
            (r#"Append([count], [flag])"#, r#""3True""#),
        ]);
    }
}
