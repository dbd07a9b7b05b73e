//! `CStr(value)`: a number, a truth value, a moment or a reference as a text.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const CSTR: Function = Function::new("CStr", &[Parameter::required("value", Accepts::Text)], Kind::Text, cstr);

fn cstr<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.text(0)?.map_or(Ok(Value::Null), |text| arguments.sized(text))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn every_single_value_has_a_text() {
        check(&[
            ("CStr([reference])", r#""cn=Joe,dc=contoso,dc=com""#),
            ("CStr([count])", r#""3""#),
            ("CStr([flag])", r#""True""#),
            ("CStr([none])", "null"),
            ("CStr([list])", "failed invalid_value"),
        ]);
    }
}
