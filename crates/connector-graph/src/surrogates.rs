//! Half of a character in a JSON text: directories cut names at a length in UTF-16, also in the middle of an emoji.
//!
//! JSON permits an escape such as `\ud83d` alone (RFC 8259, section 8.2, which calls the outcome unpredictable); no string of Rust holds it. A user must
//! not vanish for that, so the half becomes U+FFFD, the replacement character.

use std::borrow::Cow;

const REPLACEMENT: &str = "\\ufffd";

/// The text with each escaped half of a character replaced.
pub(super) fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    let (mut mended, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        let (length, is_half) = match (unit(json, start), unit(json, start + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
            (Some(0xD800..=0xDFFF), _) => (6, true),
            // Any other escape has a character behind its backslash, which may be a backslash itself.
            (Some(_) | None, _) => (1 + json[start + 1..].chars().next().map_or(0, char::len_utf8), false),
        };
        if is_half {
            mended.push_str(&json[copied..start]);
            mended.push_str(REPLACEMENT);
            copied = start + length;
        }
        at = start + length;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[copied..]);
    Cow::Owned(mended)
}

/// The code unit that is escaped at this place.
fn unit(json: &str, start: usize) -> Option<u16> {
    let digits = json.get(start..start + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_character_is_replaced_and_nothing_else() {
        for (json, want) in [
            (r#""plain \\ \" \u00e4 \ud83d\ude00 ü""#, r#""plain \\ \" \u00e4 \ud83d\ude00 ü""#),
            (r#""cut \ud83d""#, r#""cut \ufffd""#),
            (r#""\ud83dx\ude00""#, r#""\ufffdx\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\ud8"#, r#""\ud8"#),
            ("\\", "\\"),
        ] {
            assert_eq!(replace_lone_surrogates(json), want);
        }
    }
}
