//! `CDate(expression)`: the moment that a text names. Without an offset it is in UTC.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const C_DATE: Function = Function::new("CDate", &[Parameter::required("expression", Accepts::Time)], Kind::Time, c_date);

fn c_date<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    Ok(arguments.time(0)?.map_or(Value::Null, Value::Time))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_text_is_read_as_a_moment_in_utc() {
        check(&[
            ("CDate([text:2020-03-16-07:00])", r#""3/16/2020 7:00:00 AM""#),
            (r#"CDate("2021-06-30+08:00")"#, r#""6/29/2021 4:00:00 PM""#),
            (r#"CDate("2009-06-15T01:45:30-07:00")"#, r#""6/15/2009 8:45:30 AM""#),
            ("CDate(Now())", r#""7/2/2021 3:33:38 PM""#),
            ("CDate([none])", "null"),
            ("CDate([empty])", "null"),
            ("CDate([name])", "failed invalid_value"),
            ("CDate([count])", "failed invalid_value"),
            ("CDate([list])", "failed invalid_value"),
            (r#"CDate("soon")"#, "refused constant: `expression` of CDate needs a date"),
        ]);
    }
}
