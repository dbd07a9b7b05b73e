//! `FormatDateTime(source, dateTimeStyles, inputFormat, outputFormat)`: a date from one format into another.
//!
//! A source that is a moment already, such as the result of `CDate`, is not read by the input format. What an input format leaves out of
//! the date is that of today.

use std::borrow::Cow;

use crate::date::{Format, Styles, Zone};
use crate::error::Code;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Depends, Function, Parameter, Prepared, Problem, Written};
use crate::value::{Kind, Value};

pub(crate) const FORMAT_DATE_TIME: Function = Function {
    prepare,
    depends: Depends::Context,
    ..Function::new(
        "FormatDateTime",
        &[
            Parameter::required("source", Accepts::Text),
            Parameter::optional("dateTimeStyles", Accepts::Text),
            Parameter::required("inputFormat", Accepts::Text),
            Parameter::required("outputFormat", Accepts::Text),
        ],
        Kind::Text,
        format_date_time,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    let problem = |argument: usize| move |message: String| Problem { argument, code: Code::Constant, message };
    let format = |argument: usize| written.text(argument).map(|text| Format::new(&text).map_err(problem(argument))).transpose();
    let styles = match written.text(1) {
        Some(names) => Some(Styles::new(&names).map_err(problem(1))?),
        None => (!written.is_given(1)).then(Styles::default),
    };
    Ok(Prepared::Formats { styles, input: format(2)?, output: format(3)? })
}

fn format_date_time<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (time, zone) = match arguments.value(0)? {
        Value::Time(time) => (time, Zone::Utc),
        source => match source.text().filter(|source| !source.trim().is_empty()) {
            Some(source) => input(arguments)?
                .read(&source, styles(arguments)?, arguments.run.context.now)
                .ok_or_else(|| arguments.invalid(0, "is no date of the input format"))?,
            None => return Ok(Value::Null),
        },
    };
    arguments.sized(output(arguments)?.write(time, zone))
}

fn styles(arguments: &Arguments<'_, '_>) -> Result<Styles, Failure> {
    match arguments.prepared() {
        Prepared::Formats { styles: Some(styles), .. } => Ok(*styles),
        _ => Styles::new(&arguments.text(1)?.unwrap_or_default()).map_err(|_| arguments.invalid(1, "names no date styles")),
    }
}

fn input<'a>(arguments: &Arguments<'_, 'a>) -> Result<Cow<'a, Format>, Failure> {
    match arguments.prepared() {
        Prepared::Formats { input: Some(format), .. } => Ok(Cow::Borrowed(format)),
        _ => written(arguments, 2),
    }
}

fn output<'a>(arguments: &Arguments<'_, 'a>) -> Result<Cow<'a, Format>, Failure> {
    match arguments.prepared() {
        Prepared::Formats { output: Some(format), .. } => Ok(Cow::Borrowed(format)),
        _ => written(arguments, 3),
    }
}

/// A format that is no constant.
fn written<'a>(arguments: &Arguments<'_, 'a>, argument: usize) -> Result<Cow<'a, Format>, Failure> {
    let format = Format::new(&arguments.text(argument)?.unwrap_or_default());
    format.map(Cow::Owned).map_err(|_| arguments.invalid(argument, "is no date format"))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_date_is_brought_into_another_format() {
        check(&[
            (r#"FormatDateTime([text:20150123105347.1Z], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#, r#""2015-01-23""#),
            (r#"FormatDateTime([text:2020-12-31-08:00], ,"yyyy-MM-ddzzz", "yyyy-MM-dd")"#, r#""2020-12-31""#),
            (r#"FormatDateTime([text:1/23/2015 05:06:07 PM], "", "M/d/yyyy hh:mm:ss tt", "o")"#, r#""2015-01-23T17:06:07.0000000""#),
            (r#"FormatDateTime([text:2015-01-23Z], "AdjustToUniversal", "yyyy-MM-ddK", "o")"#, r#""2015-01-23T00:00:00.0000000Z""#),
            (r#"FormatDateTime([text:0123], , "MMdd", "yyyy-MM-dd")"#, r#""2021-01-23""#),
            (r#"FormatDateTime(DateAdd("d", 7, Now()), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-ddTHH:mm:ssZ")"#, r#""2021-07-09T15:33:38Z""#),
            (r#"FormatDateTime("2015-01-23", [none], [text:yyyy-MM-dd], [text:d])"#, r#""01/23/2015""#),
        ]);
    }

    #[test]
    fn what_is_missing_gives_nothing_and_what_is_wrong_fails() {
        check(&[
            (r#"FormatDateTime([none], , "yyyy", "yyyy")"#, "null"),
            (r#"FormatDateTime([empty], , "yyyy", "yyyy")"#, "null"),
            (r#"FormatDateTime([name], , "yyyy", "yyyy")"#, "failed invalid_value"),
            (r#"FormatDateTime([text: 2015], "None", "yyyy", "yyyy")"#, "failed invalid_value"),
            (r#"FormatDateTime([text:2015], , [none], "yyyy")"#, "failed invalid_value"),
            (r#"FormatDateTime([text:2015], , "yyyy", [text:x])"#, "failed invalid_value"),
            (r#"FormatDateTime([text:2015], [name], "yyyy", "yyyy")"#, "failed invalid_value"),
            (r#"FormatDateTime([name], , "yyyy")"#, "refused arguments: FormatDateTime needs `outputFormat`"),
            (r#"FormatDateTime([name], , "x", "yyyy")"#, "refused constant: FormatDateTime: there is no date format `x`"),
            (r#"FormatDateTime([name], , "yyyy", "yyyy'")"#, "refused constant: FormatDateTime: a ' of the date format is not closed"),
            (r#"FormatDateTime([name], "All", "yyyy", "yyyy")"#, "refused constant: FormatDateTime: there is no date style `All`"),
        ]);
    }
}
