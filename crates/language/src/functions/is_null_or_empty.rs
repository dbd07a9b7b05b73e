//! `IsNullOrEmpty(expression)`: whether there is no value, or only an empty text.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const IS_NULL_OR_EMPTY: Function =
    Function::new("IsNullOrEmpty", &[Parameter::required("expression", Accepts::Any)], Kind::Flag, is_null_or_empty);

fn is_null_or_empty<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.value(0).map(|value| Value::Flag(value.is_empty()))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_absent_or_without_a_character_is_empty() {
        check(&[
            ("IsNullOrEmpty([displayName])", "true"),
            ("IsNullOrEmpty([empty])", "true"),
            ("IsNullOrEmpty([name])", "false"),
            ("IsNullOrEmpty([count])", "false"),
        ]);
    }
}
