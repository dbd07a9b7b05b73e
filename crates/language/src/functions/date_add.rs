//! `DateAdd(interval, value, dateTime)`: the moment so many intervals later.

use super::interval::{interval, prepare};
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const DATE_ADD: Function = Function {
    prepare,
    ..Function::new(
        "DateAdd",
        &[
            Parameter::required("interval", Accepts::Text),
            Parameter::required("value", Accepts::Integer),
            Parameter::required("dateTime", Accepts::Time),
        ],
        Kind::Time,
        date_add,
    )
};

fn date_add<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(time) = arguments.time(2)? else { return Ok(Value::Null) };
    let Some(count) = arguments.integer(1)? else { return Ok(Value::Null) };
    let later = interval(arguments)?.add(time, count).ok_or_else(|| arguments.invalid(1, "leads to a year that is not from 1 to 9999"))?;
    Ok(Value::Time(later))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn intervals_are_added() {
        check(&[
            (r#"DateAdd("d", 7, CDate([text:2012-03-16-07:00]))"#, r#""3/23/2012 7:00:00 AM""#),
            (r#"DateAdd("d", -10, CDate([text:2012-03-16-07:00]))"#, r#""3/6/2012 7:00:00 AM""#),
            (r#"DateAdd("ww", 2, CDate([text:2012-03-16-07:00]))"#, r#""3/30/2012 7:00:00 AM""#),
            (r#"DateAdd("m", 10, CDate([text:2012-03-16-07:00]))"#, r#""1/16/2013 7:00:00 AM""#),
            (r#"DateAdd("yyyy", 2, CDate([text:2012-03-16-07:00]))"#, r#""3/16/2014 7:00:00 AM""#),
            (r#"DateAdd("m", 1, "2021-01-31")"#, r#""2/28/2021 12:00:00 AM""#),
            (r#"DateAdd("q", -1, "2021-05-31")"#, r#""2/28/2021 12:00:00 AM""#),
            (r#"DateAdd("d", [count], "soon")"#, "refused constant: `dateTime` of DateAdd needs a date"),
            (r#"DateAdd("d", "10", Now())"#, r#""7/12/2021 3:33:38 PM""#),
            (r#"DateAdd("h", 9, Now())"#, r#""7/3/2021 12:33:38 AM""#),
            (r#"DateAdd("n", 27, Now())"#, r#""7/2/2021 4:00:38 PM""#),
            (r#"DateAdd("s", 22, Now())"#, r#""7/2/2021 3:34:00 PM""#),
        ]);
    }

    #[test]
    fn what_is_missing_gives_nothing_and_what_is_wrong_fails() {
        check(&[
            (r#"DateAdd("d", 1, [none])"#, "null"),
            (r#"DateAdd("d", 1, [empty])"#, "null"),
            (r#"DateAdd("d", [none], Now())"#, "null"),
            (r#"DateAdd("d", [name], Now())"#, "failed invalid_value"),
            (r#"DateAdd("d", 1, [name])"#, "failed invalid_value"),
            (r#"DateAdd("yyyy", 9999, Now())"#, "failed invalid_value"),
            (r#"DateAdd("s", 9223372036854775807, Now())"#, "failed invalid_value"),
            ("DateAdd([text:ww], 1, Now())", r#""7/9/2021 3:33:38 PM""#),
            ("DateAdd([name], 1, Now())", "failed invalid_value"),
            (r#"DateAdd("D", 1, Now())"#, "refused constant: DateAdd: there is no interval `D`; there are yyyy, q, m, ww, d, h, n, s"),
        ]);
    }
}
