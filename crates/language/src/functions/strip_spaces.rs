//! `StripSpaces(source)`: a text without its spaces (U+0020). Other blanks stay.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const STRIP_SPACES: Function =
    Function::new("StripSpaces", &[Parameter::required("source", Accepts::Text)], Kind::Text, strip_spaces);

fn strip_spaces<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    match arguments.text(0)? {
        None => Ok(Value::Null),
        Some(text) if text.contains(' ') => arguments.sized(text.replace(' ', "")),
        Some(text) => arguments.sized(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn spaces_go_and_other_blanks_stay() {
        check(&[
            ("StripSpaces([text:a b  c])", r#""abc""#),
            ("StripSpaces(\"a\u{a0}b\tc \")", r#""a\u{a0}b\tc""#),
            ("StripSpaces([name])", r#""ana""#),
            ("StripSpaces([none])", "null"),
        ]);
    }
}
