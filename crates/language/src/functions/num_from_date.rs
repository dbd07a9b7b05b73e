//! `NumFromDate(value)`: a moment as Active Directory counts it, in 100 ns from the year 1601, in digits.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const NUM_FROM_DATE: Function =
    Function::new("NumFromDate", &[Parameter::required("value", Accepts::Time)], Kind::Text, num_from_date);

fn num_from_date<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(time) = arguments.time(0)? else { return Ok(Value::Null) };
    let filetime = time.to_filetime().ok_or_else(|| arguments.invalid(0, "is before the year 1601"))?;
    Ok(filetime.to_string().into())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_moment_is_a_number() {
        check(&[
            (
                r#"NumFromDate(Join("", FormatDateTime([text:2020-12-31-08:00], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))"#,
                r#""132539615990000000""#,
            ),
            (
                concat!(
                    r#"NumFromDate(Join("",FormatDateTime([text:1/31/2020 08:00:00 AM], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd"),"#,
                    r#"" 23:59:59-08:00"))"#
                ),
                r#""132250175990000000""#,
            ),
            ("NumFromDate(DateFromNum(129699324000000000))", r#""129699324000000000""#),
            ("NumFromDate([none])", "null"),
            ("NumFromDate([empty])", "null"),
            ("NumFromDate([name])", "failed invalid_value"),
            (r#"NumFromDate("1600-12-31")"#, "refused constant: NumFromDate: `value` is before the year 1601"),
        ]);
    }
}
