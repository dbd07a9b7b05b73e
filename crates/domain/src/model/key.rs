//! Composite keys: parts joined by `/`, such as `source/user`.
//!
//! Each part is percent-encoded, so that a directory's id may hold a slash: different parts give different keys, and every key is read back
//! into its parts. An id of plain ASCII stands in its key as it is.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What is encoded within a part, besides all that is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// Joins parts to a key.
#[must_use]
pub fn compose<const N: usize>(parts: [&str; N]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            key.push('/');
        }
        key.extend(utf8_percent_encode(part, ENCODED));
    }
    key
}

/// Reads a key of `N` parts back; `None` if [`compose`] never gives such a key.
#[must_use]
pub fn parse<const N: usize>(key: &str) -> Option<[Cow<'_, str>; N]> {
    let mut parts = [const { Cow::Borrowed("") }; N];
    let mut encoded = key.split('/');
    for part in &mut parts {
        *part = decode(encoded.next()?)?;
    }
    encoded.next().is_none().then_some(parts)
}

fn decode(encoded: &str) -> Option<Cow<'_, str>> {
    let part = percent_decode_str(encoded).decode_utf8().ok()?;
    // One spelling only: else two keys would be one user's.
    let is_canonical = utf8_percent_encode(&part, ENCODED).flat_map(str::bytes).eq(encoded.bytes());
    is_canonical.then_some(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_of_plain_ascii_stand_as_they_are_and_others_are_encoded() {
        for (parts, want) in [
            (["emea", "4a0f5c1e-6a0b"], "emea/4a0f5c1e-6a0b"),
            (["emea", "ana@emea.example"], "emea/ana@emea.example"),
            (["emea", "../hub/ana"], "emea/..%2Fhub%2Fana"),
            (["marker", "emea/0"], "marker/emea%2F0"),
            (["emea", "50%"], "emea/50%25"),
            (["emea", "%2F"], "emea/%252F"),
            (["emea", "a\n\u{7f}"], "emea/a%0A%7F"),
            (["emea", "Gómez"], "emea/G%C3%B3mez"),
            (["emea", ""], "emea/"),
        ] {
            assert_eq!(compose(parts), want);
            assert_eq!(parse(want), Some(parts.map(Cow::from)));
        }
    }

    #[test]
    fn what_is_no_key_of_so_many_parts_is_not_read() {
        for text in ["", "emea", "emea/ana/x", "emea/%2f", "emea/%", "emea/%zz", "emea/%41", "emea/G\u{f3}mez", "emea/%ff", "emea/\n"] {
            assert_eq!(parse::<2>(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_composition_is_read_back(one in any::<String>(), two in "[a%/\\PC]{0,8}", three in "\\PC{0,4}") {
            let key = compose([&one, &two, &three]);
            prop_assert_eq!(parse::<3>(&key), Some([one, two, three].map(Cow::from)));
            prop_assert_eq!(parse::<2>(&key), None);
            prop_assert!(key.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control()));
        }

        #[test]
        fn what_is_read_is_what_was_composed(text in "[a/%0-9A-F\u{e9}]{0,12}") {
            if let Some([one, two]) = parse::<2>(&text) {
                prop_assert_eq!(compose([&*one, &*two]), text);
            }
        }
    }
}
