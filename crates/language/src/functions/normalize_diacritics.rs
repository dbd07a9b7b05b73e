//! `NormalizeDiacritics(source)`: Latin letters without their marks, as the documented table has them.
//!
//! The table is continued for every Latin letter: marks go after canonical decomposition, strokes go as in `ł`, and ligatures become two letters.
//! Other scripts stay as they are, as they are not in the table: there a mark makes another letter (`й`, `が`) or holds a vowel (`हि`).

use std::borrow::Cow;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const NORMALIZE_DIACRITICS: Function =
    Function::new("NormalizeDiacritics", &[Parameter::required("source", Accepts::Text)], Kind::Text, normalize_diacritics);

/// Latin letters that no decomposition makes plain.
const LETTERS: &[(char, &str)] = &[
    ('Æ', "AE"),
    ('æ', "ae"),
    ('Ø', "OE"),
    ('ø', "oe"),
    ('Œ', "OE"),
    ('œ', "oe"),
    ('ẞ', "SS"),
    ('ß', "ss"),
    ('ı', "i"),
    ('Ł', "L"),
    ('ł', "l"),
    ('Đ', "D"),
    ('đ', "d"),
    ('Ħ', "H"),
    ('ħ', "h"),
    ('Ŧ', "T"),
    ('ŧ', "t"),
    ('ƀ', "b"),
    ('Ɨ', "I"),
    ('ɨ', "i"),
    ('Ƶ', "Z"),
    ('ƶ', "z"),
    ('Ǥ', "G"),
    ('ǥ', "g"),
    ('Ȼ', "C"),
    ('ȼ', "c"),
    ('Ɇ', "E"),
    ('ɇ', "e"),
];

fn normalize_diacritics<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    arguments.text(0)?.map_or(Ok(Value::Null), |text| arguments.sized(normalized(text)))
}

fn normalized(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut is_latin = false;
    for char in text.chars() {
        if is_latin && is_combining_mark(char) {
            continue;
        }
        match latin(char) {
            Latin::Letter(letter) => plain.push(letter),
            Latin::Letters(letters) => plain.push_str(letters),
            Latin::No => plain.push(char),
        }
        is_latin = !matches!(latin(char), Latin::No);
    }
    if plain == text { text } else { Cow::Owned(plain) }
}

enum Latin {
    /// A letter without marks.
    Letter(char),
    /// A letter that is written with others.
    Letters(&'static str),
    /// Another character.
    No,
}

fn latin(char: char) -> Latin {
    let mut base = None;
    decompose_canonical(char, |part| base = base.or(Some(part)));
    match base.unwrap_or(char) {
        letter if letter.is_ascii_alphabetic() => Latin::Letter(letter),
        letter => LETTERS.iter().find(|(known, _)| *known == letter).map_or(Latin::No, |(_, letters)| Latin::Letters(letters)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    /// The documented table.
    const TABLE: &[(&str, &str)] = &[
        ("ä, à, â, ã, å, á, ą, ă, ā, ā́, ā̀, ā̂, ā̃, ǟ, ā̈, ǡ, a̱, å̄", "a"),
        ("Ä, À, Â, Ã, Å, Á, Ą, Ă, Ā, Ā́, Ā̀, Ā̂, Ā̃, Ǟ, Ā̈, Ǡ, A̱, Å̄", "A"),
        ("æ, ǣ", "ae"),
        ("Æ, Ǣ", "AE"),
        ("ç, č, ć, c̄, c̱", "c"),
        ("Ç, Č, Ć, C̄, C̱", "C"),
        ("ď, d̄, ḏ", "d"),
        ("Ď, D̄, Ḏ", "D"),
        ("ë, è, é, ê, ę, ě, ė, ē, ḗ, ḕ, ē̂, ē̃, ê̄, e̱, ë̄, e̊̄", "e"),
        ("Ë, È, É, Ê, Ę, Ě, Ė, Ē, Ḗ, Ḕ, Ē̂, Ē̃, Ê̄, E̱, Ë̄, E̊̄", "E"),
        ("ğ, ḡ, g̱", "g"),
        ("Ğ, Ḡ, G̱", "G"),
        ("ï, î, ì, í, ı, ī, ī́, ī̀, ī̂, ī̃, i̱", "i"),
        ("Ï, Î, Ì, Í, İ, Ī, Ī́, Ī̀, Ī̂, Ī̃, I̱", "I"),
        ("ľ, ł, l̄, ḹ, ḻ", "l"),
        ("Ł, Ľ, L̄, Ḹ, Ḻ", "L"),
        ("ñ, ń, ň, n̄, ṉ", "n"),
        ("Ñ, Ń, Ň, N̄, Ṉ", "N"),
        ("ö, ò, ő, õ, ô, ó, ō, ṓ, ṑ, ō̂, ō̃, ȫ, ō̈, ǭ, ȭ, ȱ, o̱", "o"),
        ("Ö, Ò, Ő, Õ, Ô, Ó, Ō, Ṓ, Ṑ, Ō̂, Ō̃, Ȫ, Ō̈, Ǭ, Ȭ, Ȱ, O̱", "O"),
        ("ø, ø̄, œ̄", "oe"),
        ("Ø, Ø̄, Œ̄", "OE"),
        ("ř, r̄, ṟ, ṝ", "r"),
        ("Ř, R̄, Ṟ, Ṝ", "R"),
        ("ß", "ss"),
        ("š, ś, ș, ş, s̄, s̱", "s"),
        ("Š, Ś, Ș, Ş, S̄, S̱", "S"),
        ("ť, ț, t̄, ṯ", "t"),
        ("Ť, Ț, T̄, Ṯ", "T"),
        ("ü, ù, û, ú, ů, ű, ū, ū́, ū̀, ū̂, ū̃, u̇̄, ǖ, ṻ, ṳ̄, u̱", "u"),
        ("Ü, Ù, Û, Ú, Ů, Ű, Ū, Ū́, Ū̀, Ū̂, Ū̃, U̇̄, Ǖ, Ṻ, Ṳ̄, U̱", "U"),
        ("ÿ, ý, ȳ, ȳ́, ȳ̀, ȳ̃, y̱", "y"),
        ("Ÿ, Ý, Ȳ, Ȳ́, Ȳ̀, Ȳ̃, Y̱", "Y"),
        ("ź, ž, ż, z̄, ẕ", "z"),
        ("Ź, Ž, Ż, Z̄, Ẕ", "Z"),
    ];

    #[test]
    fn every_character_of_the_table_becomes_what_it_says() {
        for (characters, want) in TABLE {
            for character in characters.split(", ") {
                assert_eq!(normalized(Cow::Borrowed(character)), *want, "{character}");
            }
        }
    }

    #[test]
    fn latin_letters_lose_their_marks_and_other_scripts_keep_them() {
        check(&[
            ("NormalizeDiacritics([text:Zoë])", r#""Zoe""#),
            (r#"NormalizeDiacritics("Nguyễn Đức")"#, r#""Nguyen Duc""#),
            (r#"NormalizeDiacritics("œuvre ẞ ħ")"#, r#""oeuvre SS h""#),
            (r#"NormalizeDiacritics("Юрий が 한 Þór")"#, r#""Юрий が 한 Þor""#),
            ("NormalizeDiacritics([name])", r#""ana""#),
            ("NormalizeDiacritics([none])", "null"),
        ]);
        assert_eq!(normalized(Cow::Borrowed("हिन्दी שָׁ é")), "हिन्दी שָׁ e");
    }
}
