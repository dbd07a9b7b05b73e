//! `Join(separator, source1, …)`: texts with a separator between them. A list counts as its items, and what is empty is left out.

use std::borrow::Cow;

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const JOIN: Function = Function {
    repeated: 1,
    ..Function::new(
        "Join",
        &[Parameter::optional("separator", Accepts::Text), Parameter::optional("source", Accepts::Any)],
        Kind::Text,
        join,
    )
};

fn join<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let separator = arguments.text(0)?.unwrap_or_default();
    let mut joined: Option<Cow<'a, str>> = None;
    for source in 1..arguments.count() {
        match arguments.value(source)? {
            Value::List(items) => items.into_iter().for_each(|item| add(&mut joined, &separator, item)),
            value => value.text().into_iter().for_each(|item| add(&mut joined, &separator, item)),
        }
    }
    joined.map_or(Ok(Value::Null), |joined| arguments.sized(joined))
}

fn add<'a>(joined: &mut Option<Cow<'a, str>>, separator: &str, item: Cow<'a, str>) {
    match joined {
        _ if item.is_empty() => {}
        None => *joined = Some(item),
        Some(joined) => {
            let joined = joined.to_mut();
            joined.reserve(separator.len() + item.len());
            joined.push_str(separator);
            joined.push_str(&item);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_empty_takes_no_separator() {
        check(&[
            (r#"Join(", ", "", [name], [list])"#, r#""ana, b, a, b""#),
            (r#"Join("", 1000, [name])"#, r#""1000ana""#),
            (r#"Join(",", [none])"#, "null"),
        ]);
    }
}
