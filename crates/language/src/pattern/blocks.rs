//! Classes of characters by name, as `\p{…}` has them in .NET: the general categories of Unicode and the commoner blocks.

/// The general categories.
const CATEGORIES: &[&str] = &[
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",
    "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn",
];

/// Blocks with their first and last character.
const BLOCKS: &[(&str, u32, u32)] = &[
    ("IsBasicLatin", 0x0000, 0x007f),
    ("IsLatin-1Supplement", 0x0080, 0x00ff),
    ("IsLatinExtended-A", 0x0100, 0x017f),
    ("IsLatinExtended-B", 0x0180, 0x024f),
    ("IsIPAExtensions", 0x0250, 0x02af),
    ("IsSpacingModifierLetters", 0x02b0, 0x02ff),
    ("IsCombiningDiacriticalMarks", 0x0300, 0x036f),
    ("IsGreek", 0x0370, 0x03ff),
    ("IsGreekandCoptic", 0x0370, 0x03ff),
    ("IsCyrillic", 0x0400, 0x04ff),
    ("IsArmenian", 0x0530, 0x058f),
    ("IsHebrew", 0x0590, 0x05ff),
    ("IsArabic", 0x0600, 0x06ff),
    ("IsDevanagari", 0x0900, 0x097f),
    ("IsThai", 0x0e00, 0x0e7f),
    ("IsLatinExtendedAdditional", 0x1e00, 0x1eff),
    ("IsGreekExtended", 0x1f00, 0x1fff),
    ("IsGeneralPunctuation", 0x2000, 0x206f),
    ("IsCurrencySymbols", 0x20a0, 0x20cf),
    ("IsHiragana", 0x3040, 0x309f),
    ("IsKatakana", 0x30a0, 0x30ff),
    ("IsCJKUnifiedIdeographs", 0x4e00, 0x9fff),
    ("IsHangulSyllables", 0xac00, 0xd7af),
];

/// The class of a name, as the engines write it, or of all other characters; `None` if there is no such name.
pub(super) fn property(name: &str, is_negated: bool) -> Option<String> {
    if CATEGORIES.contains(&name) {
        return Some(format!("\\{}{{{name}}}", if is_negated { 'P' } else { 'p' }));
    }
    let (_, first, last) = BLOCKS.iter().find(|(block, _, _)| *block == name)?;
    Some(format!("[{}\\x{{{first:X}}}-\\x{{{last:X}}}]", if is_negated { "^" } else { "" }))
}
