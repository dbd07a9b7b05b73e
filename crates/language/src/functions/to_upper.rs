//! `ToUpper(source, culture)`: a text in upper case, by the rules of a culture or of none; `case.rs` says how.

use super::to_lower::{cased, prepare};
use crate::case;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const TO_UPPER: Function = Function {
    prepare,
    ..Function::new(
        "ToUpper",
        &[Parameter::required("source", Accepts::Text), Parameter::optional("culture", Accepts::Text)],
        Kind::Text,
        to_upper,
    )
};

fn to_upper<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    cased(arguments, case::upper)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn case_follows_the_culture() {
        check(&[
            ("ToUpper([name])", r#""ANA""#),
            (r#"ToUpper("straße äç ı")"#, r#""STRAßE ÄÇ ı""#),
            (r#"ToUpper("ii", "tr-TR")"#, r#""İİ""#),
            (r#"ToUpper("ii", "en-US")"#, r#""II""#),
            ("ToUpper([none])", "null"),
        ]);
    }

    #[test]
    fn a_culture_has_a_name_that_looks_like_one() {
        check(&[
            (r#"ToUpper([name], "english")"#, "refused constant: ToUpper: `culture` is no name of a culture such as en-US"),
            ("ToUpper([name], [text:en_US])", "failed invalid_value"),
        ]);
    }
}
