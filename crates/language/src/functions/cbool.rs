//! `CBool(expression)`: whether a comparison holds, or a value is a number other than zero or says `True`. Nothing is false.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const CBOOL: Function = Function::new("CBool", &[Parameter::required("expression", Accepts::Condition)], Kind::Flag, cbool);

fn cbool<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.condition(0).map(Value::Flag)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn comparisons_and_values_are_true_or_false() {
        check(&[
            ("CBool([text:x] = [text:x])", "true"),
            ("CBool([text:x] = [text:y])", "false"),
            ("CBool([count])", "true"),
            ("CBool(0)", "false"),
            ("CBool(\"true\")", "true"),
            ("CBool([name])", "false"),
            ("CBool([none])", "false"),
        ]);
    }
}
