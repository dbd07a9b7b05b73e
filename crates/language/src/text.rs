//! Parts of texts, counted as .NET counts them, and without a copy where that can be.

use std::borrow::Cow;

/// How many UTF-16 code units a text has.
pub(crate) fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// The byte where the first so many UTF-16 code units of a text end. An end inside a character moves before it.
pub(crate) fn prefix(text: &str, units: usize) -> usize {
    // In ASCII a unit is a byte.
    match text.as_bytes().get(..units) {
        Some(first) if first.is_ascii() => return units,
        None if text.is_ascii() => return text.len(),
        Some(_) | None => {}
    }
    let mut left = units;
    for (at, char) in text.char_indices() {
        match left.checked_sub(char.len_utf16()) {
            Some(rest) => left = rest,
            None => return at,
        }
    }
    text.len()
}

/// The bytes of a text from one place to before another; nothing where they are no places of it.
pub(crate) fn part(text: Cow<'_, str>, from: usize, to: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(from..to).unwrap_or_default()),
        Cow::Owned(text) if from == 0 && to == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.get(from..to).unwrap_or_default().to_owned()),
    }
}

/// A text with each character mapped to another one; the same text where none changes.
pub(crate) fn mapped(text: Cow<'_, str>, map: impl Fn(char) -> char) -> Cow<'_, str> {
    let Some((same, _)) = text.char_indices().find(|(_, char)| map(*char) != *char) else { return text };
    let (before, after) = text.split_at(same);
    let mut changed = String::with_capacity(text.len());
    changed.push_str(before);
    changed.extend(after.chars().map(map));
    Cow::Owned(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_utf_16_and_no_character_is_cut() {
        for (text, count, want) in [("aé😀b", 0, ""), ("aé😀b", 2, "aé"), ("aé😀b", 3, "aé"), ("aé😀b", 4, "aé😀"), ("aé😀b", 9, "aé😀b")]
        {
            assert_eq!(&text[..prefix(text, count)], want, "{count}");
        }
        assert_eq!((units("aé😀b"), units("abc"), units("")), (5, 3, 0));
    }

    #[test]
    fn what_is_borrowed_and_does_not_change_stays_borrowed() {
        assert!(matches!(part(Cow::Borrowed("abc"), 1, 2), Cow::Borrowed("b")));
        assert!(matches!(mapped(Cow::Borrowed("abc"), |char| char), Cow::Borrowed("abc")));
        assert_eq!(mapped(Cow::Borrowed("abc"), |char| if char == 'b' { 'é' } else { char }), "aéc");
        assert_eq!(part(Cow::Owned("aéc".to_owned()), 0, 2), "");
    }
}
