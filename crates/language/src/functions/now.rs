//! `Now()`: the moment of the evaluation.

use crate::evaluate::Failure;
use crate::function::{Arguments, Depends, Function};
use crate::value::{Kind, Value};

pub(crate) const NOW: Function = Function { depends: Depends::Context, ..Function::new("Now", &[], Kind::Time, now) };

#[expect(clippy::unnecessary_wraps, reason = "the signature of every function")]
fn now<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    Ok(Value::Time(arguments.run.context.now))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn it_is_the_moment_of_the_evaluation() {
        check(&[
            ("Now()", r#""7/2/2021 3:33:38 PM""#),
            (r#"IIF(Now() >= CDate("2021-07-02T15:33:38Z"), "past", "to come")"#, r#""past""#),
            (r#"IIF(Now() < "7/2/2021 3:33:39 PM", "to come", "past")"#, r#""to come""#),
        ]);
    }
}
