//! `Guid()`: a random GUID of version 4, in lower case.

use std::fmt::Write;

use crate::evaluate::Failure;
use crate::function::{Arguments, Depends, Function};
use crate::value::{Kind, Value};

pub(crate) const GUID: Function = Function { depends: Depends::Chance, ..Function::new("Guid", &[], Kind::Text, guid) };

fn guid<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let mut text = String::with_capacity(36);
    for (at, byte) in arguments.chance().take(16).enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match at {
            6 => byte & 0x0f | 0x40, // the version
            8 => byte & 0x3f | 0x80, // the variant
            _ => byte,
        };
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    arguments.sized(text)
}

#[cfg(test)]
mod tests {
    use crate::testing::show;

    #[test]
    fn it_has_the_shape_of_version_4() {
        let shape = regex::Regex::new(r#"^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$"#).unwrap();
        assert!(shape.is_match(&show("Guid()")), "{}", show("Guid()"));
    }

    #[test]
    fn it_is_another_at_each_place_and_the_same_for_the_same_seed() {
        let two = show(r#"Join(" ", Guid(), Guid())"#);
        let (first, second) = two.trim_matches('"').split_once(' ').unwrap();
        assert_ne!(first, second);
        assert_eq!(two, show(r#"Join(" ", Guid(), Guid())"#));
    }
}
