//! `ConvertToUTF8Hex(source)`: the UTF-8 bytes of a text, each as two hexadecimal digits in upper case.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::limits::TEXT_MAX;
use crate::value::{Kind, Value};

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

pub(crate) const CONVERT_TO_UTF8_HEX: Function =
    Function::new("ConvertToUTF8Hex", &[Parameter::required("source", Accepts::Text)], Kind::Text, convert_to_utf8_hex);

fn convert_to_utf8_hex<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let Some(text) = arguments.text(0)? else { return Ok(Value::Null) };
    if text.len() > TEXT_MAX {
        return Err(arguments.too_large());
    }
    let hex: String = text.bytes().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect();
    arguments.sized(hex)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn every_byte_is_two_digits() {
        check(&[
            (r#"ConvertToUTF8Hex("Hello world!")"#, r#""48656C6C6F20776F726C6421""#),
            (r#"ConvertToUTF8Hex("é")"#, r#""C3A9""#),
            ("ConvertToUTF8Hex([empty])", r#""""#),
            ("ConvertToUTF8Hex([none])", "null"),
        ]);
    }
}
