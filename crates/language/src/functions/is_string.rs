//! `IsString(expression)`: whether a value is a text. A moment is one, since every function that gives it says so; a number, a truth value, a
//! reference, a list and nothing are none.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const IS_STRING: Function = Function::new("IsString", &[Parameter::required("expression", Accepts::Any)], Kind::Flag, is_string);

fn is_string<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    Ok(Value::Flag(match arguments.value(0)? {
        Value::Text(_) | Value::Time(_) => true,
        Value::Null | Value::Flag(_) | Value::Integer(_) | Value::List(_) | Value::Reference(_) => false,
    }))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_a_text_is_a_string() {
        check(&[
            ("IsString([name])", "true"),
            ("IsString([empty])", "true"),
            ("IsString([count])", "false"),
            ("IsString(CStr([count]))", "true"),
            ("IsString([list])", "false"),
            ("IsString([none])", "false"),
        ]);
    }
}
