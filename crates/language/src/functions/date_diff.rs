//! `DateDiff(interval, date1, date2)`: how many intervals from one moment to another, negative if the other is earlier.

use super::interval::{interval, prepare};
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const DATE_DIFF: Function = Function {
    prepare,
    ..Function::new(
        "DateDiff",
        &[
            Parameter::required("interval", Accepts::Text),
            Parameter::required("date1", Accepts::Time),
            Parameter::required("date2", Accepts::Time),
        ],
        Kind::Integer,
        date_diff,
    )
};

fn date_diff<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(from) = arguments.time(1)? else { return Ok(Value::Null) };
    let Some(to) = arguments.time(2)? else { return Ok(Value::Null) };
    Ok(Value::Integer(interval(arguments)?.count(from, to)))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn intervals_between_two_dates_are_counted() {
        check(&[
            (r#"DateDiff("d", CDate([text:2021-08-18+08:00]), CDate([text:2021-08-31+08:00]))"#, "13"),
            (r#"DateDiff("d", CDate([text:8/25/2021 5:41:18 PM]), CDate([text:2012-03-16-07:00]))"#, "-3449"),
            (r#"DateDiff("ww", CDate([text:8/25/2021 5:41:18 PM]), CDate([text:2012-03-16-07:00]))"#, "-493"),
            (r#"DateDiff("m", CDate([text:8/25/2021 5:41:18 PM]), CDate([text:2012-03-16-07:00]))"#, "-113"),
            (r#"DateDiff("yyyy", CDate([text:8/25/2021 5:41:18 PM]), CDate([text:2012-03-16-07:00]))"#, "-9"),
            (r#"DateDiff("d", CDate([text:2021-08-31+08:00]), CDate([text:2021-08-31+08:00]))"#, "0"),
            (r#"DateDiff("h", CDate([text:2021-08-24]), CDate([text:2021-08-25]))"#, "24"),
            (r#"DateDiff("n", CDate([text:2021-08-24]), CDate([text:2021-08-25]))"#, "1440"),
            (r#"DateDiff("s", CDate([text:2021-08-24]), CDate([text:2021-08-25]))"#, "86400"),
        ]);
    }

    #[test]
    fn a_difference_decides_a_condition() {
        check(&[
            (r#"IIF(DateDiff("d", CDate([text:2021-08-18]), CDate([text:2021-08-31])) > 5, "False", "True")"#, r#""False""#),
            (r#"IIF(DateDiff("d", CDate([text:2021-08-28]), CDate([text:2021-08-31])) > 5, "False", "True")"#, r#""True""#),
            (r#"IIF(DateDiff("d", Now(), CDate("9999-12-31")) <= 0, "Leavers", "Staff")"#, r#""Staff""#),
            (r#"IIF(DateDiff("d", Now(), CDate([text:2021-06-30])) <= 0, "Leavers", "Staff")"#, r#""Leavers""#),
        ]);
    }

    #[test]
    fn what_is_missing_gives_nothing_and_what_is_wrong_fails() {
        check(&[
            (r#"DateDiff("d", [none], Now())"#, "null"),
            (r#"DateDiff("d", Now(), [empty])"#, "null"),
            (r#"DateDiff("d", Now(), [name])"#, "failed invalid_value"),
            ("DateDiff([none], Now(), Now())", "failed invalid_value"),
            (
                r#"DateDiff("w", Now(), Now())"#,
                "refused constant: DateDiff: there is no interval `w`; there are yyyy, q, m, ww, d, h, n, s",
            ),
        ]);
    }
}
