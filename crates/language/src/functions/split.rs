//! `Split(source, delimiter)`: the parts of a text between delimiters, as several values, without the blanks around them.
//!
//! A part between two delimiters is empty and stays, as in .NET. An empty text has no parts, as in Visual Basic, and an empty delimiter
//! separates nothing.

use std::borrow::Cow;

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::limits::LIST_MAX;
use crate::value::{Kind, Value};

pub(crate) const SPLIT: Function = Function::new(
    "Split",
    &[Parameter::required("source", Accepts::Text), Parameter::required("delimiter", Accepts::Text)],
    Kind::List,
    split,
);

fn split<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)?.filter(|text| !text.is_empty()) else { return Ok(Value::Null) };
    let delimiter = arguments.text(1)?.unwrap_or_default();
    arguments.listed(match text {
        Cow::Borrowed(text) => parts(text, &delimiter).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => parts(&text, &delimiter).map(|part| Cow::Owned(part.to_owned())).collect(),
    })
}

/// One part more than a list may have is enough to see that there are too many.
fn parts<'t>(text: &'t str, delimiter: &str) -> impl Iterator<Item = &'t str> {
    let count = if delimiter.is_empty() { 1 } else { LIST_MAX + 2 };
    text.splitn(count, delimiter).map(str::trim)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn parts_stand_between_delimiters() {
        check(&[
            (r#"Split([text:PermissionSetOne, PermissionSetTwo], ",")"#, r#"["PermissionSetOne", "PermissionSetTwo"]"#),
            (r#"Split("a,,b,", ",")"#, r#"["a", "", "b", ""]"#),
            (r#"Split("a--b-c", "--")"#, r#"["a", "b-c"]"#),
            (r#"Split(Append([name], ",x"), ",")"#, r#"["ana", "x"]"#),
            (r#"Split([name], "")"#, r#"["ana"]"#),
            (r#"Split([name], [none])"#, r#"["ana"]"#),
            (r#"Split([empty], ",")"#, "null"),
            (r#"Split([none], ",")"#, "null"),
        ]);
    }
}
