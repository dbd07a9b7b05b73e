//! `Count(attribute)`: how many values there are. One value counts 1, none counts 0.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const COUNT: Function = Function::new("Count", &[Parameter::required("attribute", Accepts::List)], Kind::Integer, count);

fn count<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let items = arguments.list(0)?.len();
    Ok(Value::Integer(i64::try_from(items).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn values_are_counted() {
        check(&[("Count([list])", "3"), ("Count([name])", "1"), ("Count([count])", "1"), ("Count([none])", "0")]);
    }
}
