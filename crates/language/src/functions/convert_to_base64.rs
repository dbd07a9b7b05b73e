//! `ConvertToBase64(source)`: the text as UTF-16, low byte first, in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::limits::TEXT_MAX;
use crate::value::{Kind, Value};

pub(crate) const CONVERT_TO_BASE64: Function =
    Function::new("ConvertToBase64", &[Parameter::required("source", Accepts::Text)], Kind::Text, convert_to_base64);

fn convert_to_base64<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)? else { return Ok(Value::Null) };
    if text.len() > TEXT_MAX {
        return Err(arguments.too_large());
    }
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    arguments.sized(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_bytes_are_those_of_utf_16() {
        check(&[
            (r#"ConvertToBase64("Hello world!")"#, r#""SABlAGwAbABvACAAdwBvAHIAbABkACEA""#),
            (r#"ConvertToBase64("é😀")"#, r#""6QA92ADe""#),
            ("ConvertToBase64([empty])", r#""""#),
            ("ConvertToBase64([none])", "null"),
        ]);
    }
}
