//! `Prepend(prefix, source)`: one text before the other, as `Append` puts it after.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const PREPEND: Function = Function::new(
    "Prepend",
    &[Parameter::required("prefix", Accepts::Text), Parameter::required("source", Accepts::Text)],
    Kind::Text,
    prepend,
);

fn prepend<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (prefix, source) = (arguments.text(0)?, arguments.text(1)?);
    match (prefix, source) {
        (None, None) => Ok(Value::Null),
        (Some(text), None) | (None, Some(text)) => arguments.sized(text),
        (Some(prefix), Some(source)) => arguments.sized(prefix + source),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_prefix_comes_first() {
        check(&[(r#"Prepend("x.", [name])"#, r#""x.ana""#), (r#"Prepend("x", [none])"#, r#""x""#), ("Prepend([none], [none])", "null")]);
    }
}
