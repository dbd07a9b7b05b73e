//! `Not(source)`: the text `False` where the source says true, and the text `True` for anything else, also for nothing.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const NOT: Function = Function::new("Not", &[Parameter::required("source", Accepts::Text)], Kind::Text, not);

fn not<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    // .NET reads `true` in any case.
    let is_true = arguments.text(0)?.is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    Ok(Value::from(if is_true { "False" } else { "True" }))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn true_becomes_false_and_everything_else_true() {
        check(&[
            ("Not([text:True])", r#""False""#),
            ("Not([flag])", r#""False""#),
            (r#"Not("true")"#, r#""False""#),
            (r#"Not("False")"#, r#""True""#),
            ("Not([name])", r#""True""#),
            ("Not([none])", r#""True""#),
            ("Not(IsNull([name]))", r#""True""#),
        ]);
    }
}
