//! `Switch(source, default, key1, value1, …)`: the value of the first key that is the source, letter by letter, or the default.
//!
//! Keys and the source compare as texts. An empty text and nothing are the same here: the key `""` is that of a source that is empty or absent.

use crate::error::Code;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::value::{Kind, Value};

pub(crate) const SWITCH: Function = Function {
    repeated: 2,
    prepare,
    ..Function::new(
        "Switch",
        &[
            Parameter::required("source", Accepts::Text),
            Parameter::optional("defaultValue", Accepts::Any),
            Parameter::required("key", Accepts::Text),
            Parameter::optional("value", Accepts::Any),
        ],
        Kind::Any,
        switch,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    match (2..written.count()).step_by(2).find(|key| !written.is_given(*key)) {
        Some(key) => {
            let message = format!("key {} is left empty; an empty source is the key `\"\"`", key / 2);
            Err(Problem { argument: key, code: Code::Arguments, message })
        }
        None => Ok(Prepared::Nothing),
    }
}

fn switch<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let source = arguments.text(0)?.unwrap_or_default();
    for key in (2..arguments.count()).step_by(2) {
        if arguments.text(key)?.unwrap_or_default() == source {
            return arguments.value(key + 1);
        }
    }
    arguments.value(1)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_value_of_the_key_that_is_the_source_is_taken() {
        let state =
            r#"Switch([text:QLD], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")"#;
        check(&[
            (state, r#""Australia/Brisbane""#),
            (r#"Switch(ToLower([text:TRUE]), "0", "true", "1", "false", "0")"#, r#""1""#),
            (r#"Switch([text:TRUE], "0", "true", "1", "false", "0")"#, r#""0""#),
            (r#"Switch([empty], "Default Value", "true", "1", "", "0")"#, r#""0""#),
            (r#"Switch([none], "Default Value", "true", "1", "", "0")"#, r#""0""#),
            (r#"Switch([text:DE],[text:DE],"","Other")"#, r#""DE""#),
            (r#"Switch([none],[none],"","Other")"#, r#""Other""#),
            (r#"Switch([count], , 3, "three", 4, "four")"#, r#""three""#),
            (r#"Switch([name], , "x", "y")"#, "null"),
            (r#"Switch([name], "x", "ana", )"#, "null"),
            (r#"Switch(IsPresent([name]), [none], IsPresent([list]), [list])"#, r#"["b", "a", "b"]"#),
            (r#"Switch([unread], "x", "y", "z")"#, "failed unread"),
        ]);
    }

    #[test]
    fn keys_and_values_come_in_pairs() {
        check(&[
            (r#"Switch([name], "x")"#, "refused arguments: Switch needs `key`"),
            (r#"Switch([name], "x", "y")"#, "refused arguments: Switch takes its last arguments in groups of 2"),
            (
                r#"Switch([name], "x", "y", "z", , "z")"#,
                "refused arguments: Switch: key 2 is left empty; an empty source is the key `\"\"`",
            ),
        ]);
    }
}
