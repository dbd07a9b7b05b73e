//! `IIF(condition, then, else)`: one of two values.
//!
//! Where an attribute that the condition reads is empty the check fails, as documented, whatever the condition says.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::value::{Kind, Value};

pub(crate) const IIF: Function = Function {
    prepare,
    ..Function::new(
        "IIF",
        &[
            Parameter::required("condition", Accepts::Condition),
            Parameter::optional("valueIfTrue", Accepts::Any),
            Parameter::optional("valueIfFalse", Accepts::Any),
        ],
        Kind::Any,
        iif,
    )
};

#[expect(clippy::unnecessary_wraps, reason = "the signature of every function")]
fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    // A comparison fails by itself where a side of it is empty.
    Ok(Prepared::Attributes(if written.is_plain_comparison(0) { Vec::new() } else { written.attributes(0) }))
}

fn iif<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Prepared::Attributes(attributes) = arguments.prepared() else { return Ok(Value::Null) };
    for attribute in attributes {
        if arguments.run.value(*attribute)?.is_empty() {
            return arguments.value(2);
        }
    }
    arguments.value(if arguments.condition(0)? { 1 } else { 2 })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_condition_chooses_and_fails_where_an_attribute_is_empty() {
        check(&[
            (r#"IIF([name] = "ana", "yes", "no")"#, r#""yes""#),
            (r#"IIF([name] <> "ana", "yes", "no")"#, r#""no""#),
            (r#"IIF([count] >= 3, "yes", "no")"#, r#""yes""#),
            (r#"IIF([none] = "", "yes", "no")"#, r#""no""#),
            (r#"IIF([none] <> "x", "yes", "no")"#, r#""no""#),
            (r#"IIF([flag], [none], "no")"#, "null"),
            (r#"IIF([flag], "yes", )"#, r#""yes""#),
        ]);
    }
}
