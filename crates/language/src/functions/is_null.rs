//! `IsNull(expression)`: whether there is no value. An empty text is one; a list without items is none.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const IS_NULL: Function = Function::new("IsNull", &[Parameter::required("expression", Accepts::Any)], Kind::Flag, call);

/// Whether there is no value.
pub(super) fn is_null(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Text(_) | Value::Flag(_) | Value::Integer(_) | Value::Time(_) | Value::Reference(_) => false,
    }
}

pub(super) fn call<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.value(0).map(|value| Value::Flag(is_null(&value)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_what_is_absent_is_null() {
        check(&[
            ("IsNull([displayName])", "true"),
            ("IsNull([empty])", "false"),
            ("IsNull([list])", "false"),
            ("IsNull([unread])", "failed unread"),
        ]);
    }
}
