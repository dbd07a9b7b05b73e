//! `Item(attribute, index)`: one of several values, from 1; nothing where there are fewer. One value is the first of one.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::value::{Kind, Value};

const NO_INDEX: &str = "counts from 1";

pub(crate) const ITEM: Function = Function {
    prepare,
    ..Function::new(
        "Item",
        &[Parameter::required("attribute", Accepts::List), Parameter::required("index", Accepts::Integer)],
        Kind::Text,
        item,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    match written.integer(1)? {
        Some(..1) => Err(Problem::constant(1, format!("`index` {NO_INDEX}"))),
        Some(_) | None => Ok(Prepared::Nothing),
    }
}

fn item<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(index) = arguments.integer(1)? else { return Ok(Value::Null) };
    let before = index.checked_sub(1).and_then(|before| usize::try_from(before).ok()).ok_or_else(|| arguments.invalid(1, NO_INDEX))?;
    Ok(arguments.list(0)?.into_iter().nth(before).map_or(Value::Null, Value::Text))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn values_count_from_1() {
        check(&[
            ("Item([list], 1)", r#""b""#),
            ("Item([list], 2)", r#""a""#),
            ("Item([list], 4)", "null"),
            ("Item([name], 1)", r#""ana""#),
            (r#"Item(Split("SMTP:a@x.com;smtp:b@x.com", ";"), 1)"#, r#""SMTP:a@x.com""#),
            ("Item([none], 1)", "null"),
            ("Item([list], [none])", "null"),
            ("Item([list], 0)", "refused constant: Item: `index` counts from 1"),
            ("Item([list], [text:0])", "failed invalid_value"),
        ]);
    }
}
