//! `DateFromNum(value)`: the moment of a number of Active Directory, which counts 100 ns from the year 1601.

use crate::date::DateTime;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const DATE_FROM_NUM: Function =
    Function::new("DateFromNum", &[Parameter::required("value", Accepts::Integer)], Kind::Time, date_from_num);

fn date_from_num<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    if arguments.value(0)?.is_empty() {
        return Ok(Value::Null);
    }
    let Some(filetime) = arguments.integer(0)? else { return Ok(Value::Null) };
    DateTime::from_filetime(filetime).map(Value::Time).ok_or_else(|| arguments.invalid(0, "is no number of a date"))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_number_is_a_moment() {
        check(&[
            ("DateFromNum(129699324000000000)", r#""1/1/2012 11:00:00 PM""#),
            ("DateFromNum([text:129699324000000000])", r#""1/1/2012 11:00:00 PM""#),
            ("DateFromNum(0)", r#""1/1/1601 12:00:00 AM""#),
            ("DateFromNum([none])", "null"),
            ("DateFromNum([empty])", "null"),
            ("DateFromNum([text:9223372036854775807])", "failed invalid_value"),
            ("DateFromNum([name])", "failed invalid_value"),
            ("DateFromNum(-1)", "refused constant: DateFromNum: `value` is no number of a date"),
        ]);
    }
}
