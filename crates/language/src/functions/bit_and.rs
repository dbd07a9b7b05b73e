//! `BitAnd(value1, value2)`: the bits that both numbers have. Nothing where one of them is missing.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const BIT_AND: Function = Function::new(
    "BitAnd",
    &[Parameter::required("value1", Accepts::Integer), Parameter::required("value2", Accepts::Integer)],
    Kind::Integer,
    bit_and,
);

fn bit_and<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    Ok(match (arguments.integer(0)?, arguments.integer(1)?) {
        (Some(left), Some(right)) => Value::Integer(left & right),
        (None, _) | (_, None) => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_common_bits_stay() {
        check(&[
            ("BitAnd(&HF, &HF7)", "7"),
            ("BitAnd([count], \"6\")", "2"),
            ("BitAnd(-1, 9223372036854775807)", "9223372036854775807"),
            ("BitAnd([none], 1)", "null"),
            ("BitAnd([name], 1)", "failed invalid_value"),
        ]);
    }
}
