//! Expectations of a value that is not the same each time, such as `{"$length": 6, "$minDigits": 3}`.

use anyhow::{Context as _, bail};
use regex::Regex;
use serde_json::{Map, Value as Json, json};
use xtsync_language::{AnyAttribute, Compiler, Context, Run, Value};

use crate::rules::user::User;

/// Whether the attribute is expected to be left as it is.
pub(super) fn is_dropped(expected: &Json) -> bool {
    expected.get("$drop") == Some(&Json::Bool(true))
}

/// Whether a value has each of these traits.
///
/// # Errors
/// If there is no such trait.
pub(super) fn fits(shape: &Map<String, Json>, value: &Value<'_>) -> anyhow::Result<bool> {
    let Some(text) = value.clone().text() else { return Ok(false) };
    for (name, expected) in shape {
        if !has(name, expected, &text)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has(name: &str, expected: &Json, text: &str) -> anyhow::Result<bool> {
    let number = || expected.as_u64().and_then(|number| usize::try_from(number).ok()).with_context(|| format!("`{name}` takes a number"));
    let words = || expected.as_str().with_context(|| format!("`{name}` takes a text"));
    let at_least = |is: fn(char) -> bool| Ok(text.chars().filter(|char| is(*char)).count() >= number()?);
    match name {
        "$drop" => Ok(expected != &Json::Bool(true)),
        "$regex" => Ok(Regex::new(words()?).context("`$regex` is no regular expression")?.is_match(text)),
        "$length" => Ok(text.chars().count() == number()?),
        "$minDigits" => at_least(|char| char.is_ascii_digit()),
        "$minLower" => at_least(char::is_lowercase),
        "$minUpper" => at_least(char::is_uppercase),
        "$minSpecial" => at_least(|char| char.is_ascii_punctuation()),
        "$avoid" => Ok(!text.contains(|char| words().is_ok_and(|avoided| avoided.contains(char)))),
        "$format" => is_written(words()?, text),
        _ => bail!("there is no expectation `{name}`"),
    }
}

/// Whether a text is a date in a .NET format: it is read and written again as the same.
fn is_written(format: &str, text: &str) -> anyhow::Result<bool> {
    let mut compiler = Compiler::new(&AnyAttribute);
    let format = json!(format);
    compiler.add(&format!("FormatDateTime([date], , {format}, {format})"))?;
    let attributes = json!({"date": text});
    let user = User::of_json(attributes.as_object().unwrap_or(&Map::new()));
    let (program, context) = (compiler.finish(), Context::default());
    Ok(Run::new(&program, &user, &context).evaluate(0).is_ok_and(|value| value.text().is_some_and(|again| again == text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_if_it_has_each_trait() {
        for (shape, text, want) in [
            (json!({"$length": 6, "$minDigits": 3, "$minLower": 3}), "1a73qt", true),
            (json!({"$length": 6, "$minDigits": 4}), "1a73qt", false),
            (json!({"$minSpecial": 2, "$minUpper": 2, "$avoid": "?,"}), "1@!2BaRg53", true),
            (json!({"$avoid": "?,"}), "a?", false),
            (json!({"$regex": "^[0-9]+$"}), "12", true),
            (json!({"$regex": "^[0-9]+$"}), "1x", false),
            (json!({"$format": "M/d/yyyy h:mm:ss tt"}), "7/2/2021 3:33:38 PM", true),
            (json!({"$format": "M/d/yyyy h:mm:ss tt"}), "07/02/2021 3:33:38 PM", false),
            (json!({"$format": "yyyy-MM-dd"}), "2021-07-02", true),
            (json!({"$drop": true}), "", false),
        ] {
            assert_eq!(fits(shape.as_object().unwrap(), &text.into()).unwrap(), want, "{shape} {text}");
        }
        assert!(fits(json!({"$size": 1}).as_object().unwrap(), &"a".into()).is_err());
    }
}
