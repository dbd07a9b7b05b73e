//! Upper and lower case as .NET maps them: character by character, so that no text becomes longer. `ß` stays `ß` in upper case, and a `Σ` at
//! the end of a word becomes `σ`.
//!
//! The invariant culture maps neither `ı` to `I` nor `İ` to `i`; every named culture does. Turkish and Azerbaijani pair `i` with `İ` and `ı`
//! with `I`. Lithuanian differs from others only where one character becomes several, so not here.

/// The rules of a language, as far as they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Culture {
    /// No language.
    #[default]
    Invariant,
    /// Turkish or Azerbaijani.
    Turkic,
    /// Any other language.
    Other,
}

impl Culture {
    /// The culture of an RFC 4646 name, such as `tr-TR`; of an empty one the invariant culture. `None` if it does not look like a name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Invariant);
        }
        let mut parts = name.split('-');
        let language = parts.next().unwrap_or_default();
        let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
        let mut rest = parts.peekable();
        while let Some(part) = rest.next() {
            // One letter or digit opens an extension, which needs a part of its own.
            let is_short = part.len() == 1 && rest.peek().is_some();
            if !(is_short || (2..=8).contains(&part.len())) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return None;
            }
        }
        is_language.then(|| match language.to_ascii_lowercase().as_str() {
            "tr" | "az" => Self::Turkic,
            "iv" => Self::Invariant,
            _ => Self::Other,
        })
    }
}

/// A character in upper case.
pub(crate) fn upper(culture: Culture, char: char) -> char {
    match (culture, char) {
        (Culture::Invariant, 'ı') => 'ı',
        (Culture::Turkic, 'i') => 'İ',
        (_, char) if char.is_ascii() => char.to_ascii_uppercase(),
        // Their upper case in one character has the iota beside it; in general it is two characters.
        (_, '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}') => shifted(char, 8),
        (_, '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => shifted(char, 9),
        (_, char) => only(char.to_uppercase()).unwrap_or(char),
    }
}

/// A character in lower case.
pub(crate) fn lower(culture: Culture, char: char) -> char {
    match (culture, char) {
        (Culture::Invariant, 'İ') => 'İ',
        (Culture::Turkic, 'I') => 'ı',
        (_, 'İ') => 'i',
        (_, char) if char.is_ascii() => char.to_ascii_lowercase(),
        (_, char) => only(char.to_lowercase()).unwrap_or(char),
    }
}

/// A character as the first one of a word: upper case but for the letters that are two in one.
pub(crate) fn title(char: char) -> char {
    match char {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        char => upper(Culture::Invariant, char),
    }
}

/// A character as it is compared where case does not count.
pub(crate) fn fold(char: char) -> char {
    lower(Culture::Invariant, upper(Culture::Invariant, char))
}

fn shifted(char: char, by: u32) -> char {
    char::from_u32(u32::from(char) + by).unwrap_or(char)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_some() { None } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cultures_are_known_by_names_as_rfc_4646_writes_them() {
        for (name, want) in [
            ("", Some(Culture::Invariant)),
            ("en-US", Some(Culture::Other)),
            ("lt", Some(Culture::Other)),
            ("fil-PH", Some(Culture::Other)),
            ("zh-Hans-CN", Some(Culture::Other)),
            ("de-DE-u-co-phonebk", Some(Culture::Other)),
            ("TR-tr", Some(Culture::Turkic)),
            ("az-Latn-AZ", Some(Culture::Turkic)),
            ("english", None),
            ("en_US", None),
            ("en-", None),
            ("e", None),
            ("en-US-x", None),
        ] {
            assert_eq!(Culture::of(name), want, "{name}");
        }
    }

    #[test]
    fn each_character_becomes_one_character() {
        let map = |culture, text: &str| -> (String, String) {
            (text.chars().map(|char| upper(culture, char)).collect(), text.chars().map(|char| lower(culture, char)).collect())
        };
        assert_eq!(map(Culture::Invariant, "iIıİßŉΣᾀᾳ𐐨"), ("IIıİßŉΣᾈᾼ𐐀".to_owned(), "iiıİßŉσᾀᾳ𐐨".to_owned()));
        assert_eq!(map(Culture::Turkic, "iIıİ"), ("İIIİ".to_owned(), "iııi".to_owned()));
        assert_eq!(map(Culture::Other, "iIıİ"), ("IIIİ".to_owned(), "iiıi".to_owned()));
        assert_eq!("ǆǇab".chars().map(title).collect::<String>(), "ǅǈAB");
        assert_eq!((fold('ς'), fold('Σ'), fold('K')), ('σ', 'σ', 'k'));
    }
}
