//! `Coalesce(source1, …, default)`: the first value that is not null. An empty text is a value; a list without items is none.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const COALESCE: Function = Function {
    repeated: 1,
    ..Function::new(
        "Coalesce",
        &[Parameter::required("source", Accepts::Any), Parameter::optional("source", Accepts::Any)],
        Kind::Any,
        coalesce,
    )
};

fn coalesce<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    for source in 0..arguments.count() {
        let value = arguments.value(source)?;
        if !super::is_null::is_null(&value) {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_first_value_is_taken() {
        check(&[
            ("Coalesce([none], [text:John.Doe@contoso.com])", r#""John.Doe@contoso.com""#),
            ("Coalesce([name], [text:x])", r#""ana""#),
            ("Coalesce([empty], [name])", r#""""#),
            (r#"Coalesce([none], , "default")"#, r#""default""#),
            ("Coalesce([none], [none])", "null"),
            ("Coalesce([none], [list])", r#"["b", "a", "b"]"#),
        ]);
    }

    #[test]
    fn what_comes_after_it_is_not_read() {
        check(&[("Coalesce([name], [unread])", r#""ana""#), ("Coalesce([unread], [name])", "failed unread")]);
    }
}
