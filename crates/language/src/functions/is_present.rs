//! `IsPresent(expression)`: the opposite of `IsNullOrEmpty`.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const IS_PRESENT: Function =
    Function::new("IsPresent", &[Parameter::required("expression", Accepts::Any)], Kind::Flag, is_present);

fn is_present<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.value(0).map(|value| Value::Flag(!value.is_empty()))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_has_a_character_is_present() {
        check(&[
            ("IsPresent([text:A])", "true"),
            ("IsPresent([none])", "false"),
            ("IsPresent([empty])", "false"),
            ("IsPresent([list])", "true"),
        ]);
    }
}
