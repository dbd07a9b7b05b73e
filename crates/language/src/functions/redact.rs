//! `Redact(value)`: the value as it is. A log of values shows `[Redact]` in its place; that is up to the log.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const REDACT: Function = Function::new("Redact", &[Parameter::required("value", Accepts::Any)], Kind::Any, redact);

fn redact<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.value(0)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_value_flows() {
        check(&[
            ("Redact([text:a@x.com])", r#""a@x.com""#),
            (r#"Redact("StringToBeRedacted")"#, r#""StringToBeRedacted""#),
            ("Redact([list])", r#"["b", "a", "b"]"#),
            ("Redact([none])", "null"),
        ]);
    }
}
