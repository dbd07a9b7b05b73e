//! What patterns match, as .NET has it, and which are refused.

use proptest::prelude::*;

use super::{Pattern, Substitution};

/// All matches, with `·` between them, or why there are none.
fn show(pattern: &str, text: &str) -> String {
    let pattern = match Pattern::new(pattern) {
        Ok(pattern) => pattern,
        Err(reason) => return reason,
    };
    match pattern.all(text) {
        Ok(all) => all.iter().map(|found| &text[found.whole().0..found.whole().1]).collect::<Vec<_>>().join("·"),
        Err(reason) => reason.to_owned(),
    }
}

#[test]
fn matches_are_those_of_dot_net() {
    for (pattern, text, want) in [
        (r"\d+", "1٣x2", "1٣·2"),
        (r"\w+", "été_1\u{301}-ⅷ", "été_1\u{301}"),
        (r"[\w-]+", "a-b c", "a-b·c"),
        (r"[^\W\d]+", "a1b", "a·b"),
        ("a*", "baac", "·aa··"),
        ("x$", "x\nx\n", "x"),
        (r"x\Z", "x\n", "x"),
        (r"x\z", "x\n", ""),
        ("$", "a\n", "·"),
        ("(?m)^.$", "a\nb\n", "a·b"),
        ("^.", "ab", "a"),
        ("a.b", "a\nb", ""),
        ("(?s)a.b", "a\nb", "a\nb"),
        ("(?s:a.)(?:.)b", "a\nxb", "a\nxb"),
        ("(?i)Ä(?-i)b", "äb äB", "äb"),
        ("(?x) a b # c\n c", "abc", "abc"),
        ("(?x: a [ ] )", "a ", "a "),
        ("a(?#no)b", "ab", "ab"),
        ("[a-z-[aeiou]]+", "hello", "h·ll"),
        ("[^a-z-[A]]+", "aAB", "B"),
        ("[]a]+", "]a", "]a"),
        ("[[a]+", "[a", "[a"),
        ("[a&&b]+", "a&b", "a&b"),
        (r"[\b\]\-\u0041-\x43]+", "\u{8}]-ABCD", "\u{8}]-ABC"),
        ("[a-]+", "a-", "a-"),
        ("x{,2}", "x{,2}", "x{,2}"),
        ("x{2}?", "xxx", "xx"),
        ("x{1,2}y{1,}", "xxxyy", "xxyy"),
        (r"\p{IsCyrillic}+|\P{L}", "aйц1", "йц·1"),
        (r"\p{Lu}", "aÄ", "Ä"),
        (r"\060\x41\u0041\cA\e\.", "0AA\u{1}\u{1b}.", "0AA\u{1}\u{1b}."),
        (r"\uD83D\uDE00", "😀", "😀"),
        (r"(a)\1", "aaba", "aa"),
        (r"(?<x>a)(b)\1\k<x>", "abba", "abba"),
        (r"(?'x'a)\k'x'", "aa", "aa"),
        ("(?<=a)b", "ab bb", "b"),
        ("(?<!a)b", "ab bb", "b·b"),
        ("(?<=xa+)b", "xaab ab", "b"),
        ("(?>a+)b", "aab", "aab"),
        ("a(?!b)", "ab ac", "a"),
        (r"\bfoo\b", "foo food", "foo"),
        ("(?n)(a)(?<x>b)", "ab", "ab"),
    ] {
        assert_eq!(show(pattern, text), want, "{pattern}");
    }
}

#[test]
fn what_cannot_be_run_is_refused_with_its_place() {
    for (pattern, want) in [
        ("a(b", "at character 2 of the pattern: this bracket is not closed"),
        ("a)", "at character 2 of the pattern: this bracket closes none"),
        ("(?<a>x)(?<b-a>y)", "at character 8 of the pattern: balancing groups cannot be run"),
        ("(?<-a>y)", "at character 1 of the pattern: balancing groups cannot be run"),
        ("(?P<a>x)", "at character 1 of the pattern: nothing of this kind can be opened"),
        ("(?<1a>x)", "at character 1 of the pattern: this is no name of a group"),
        ("(?r)x", "at character 1 of the pattern: nothing of this kind can be opened"),
        ("(?ir)x", "at character 1 of the pattern: there is no such option"),
        ("(?(a)b|c)", "at character 1 of the pattern: a choice by a condition cannot be run"),
        ("a**", "at character 3 of the pattern: what is repeated cannot be repeated again without brackets"),
        ("a*+", "at character 3 of the pattern: what is repeated cannot be repeated again without brackets"),
        ("|*", "at character 2 of the pattern: there is nothing to repeat before it"),
        ("a{3,2}", "at character 2 of the pattern: the first number is larger than the second"),
        ("[a", "at character 1 of the pattern: this class is not closed"),
        ("[z-a]", "at character 2 of the pattern: this range ends before it begins"),
        (r"[a-\d]", "at character 4 of the pattern: a range goes from a character to a character"),
        ("[a-[b]c]", "at character 3 of the pattern: what is subtracted comes last in a class"),
        ("[[:alpha:]]", "at character 2 of the pattern: classes by name are written \\p{…}"),
        (r"\p{Han}", "at character 1 of the pattern: there is no such class of characters"),
        (r"\pL", "at character 1 of the pattern: there is no such class of characters"),
        (r"a\y", "at character 2 of the pattern: `\\y` means nothing"),
        (r"a\", "at character 2 of the pattern: a backslash needs a character after it"),
        (r"\xg1", "at character 1 of the pattern: two hexadecimal digits are needed"),
        (r"\uD83D", "at character 1 of the pattern: half of a surrogate pair is no character"),
        (r"(a)\2", "at character 4 of the pattern: there is no such group"),
        (r"\k<a>", "at character 1 of the pattern: there is no such group"),
        (r"(?<a>x)|(?<a>y)\k<a>", "at character 16 of the pattern: a group that is there more than once cannot be referred to"),
        ("(a{1000}){1000}", "the pattern is too large"),
        (&("(".repeat(400) + &")".repeat(400)), "the pattern cannot be run: Pattern too deeply nested"),
    ] {
        assert_eq!(show(pattern, ""), want, "{pattern}");
    }
}

#[test]
fn work_is_limited() {
    for (pattern, text, want) in [
        (r"(x?)(a+\1)+b", "a".repeat(40), "takes too many steps on this value"),
        ("a", "a".repeat(1 << 17), "is not applied to so long a value"),
        ("a", "a".repeat(20_000), "has too many matches in this value"),
        ("a(?=a)", "a".repeat(2_000), "has too many matches in this value"),
    ] {
        assert_eq!(show(pattern, &text), want, "{pattern}");
    }
}

#[test]
fn long_patterns_of_unicode_classes_fit() {
    for pattern in [r"^[\w.+-]{1,20}@(\w{1,20}\.)+\w{2,20}$", r"\w{64}\d{64}", r"[\p{L}\p{M}' -]{1,64}"] {
        assert!(Pattern::new(pattern).is_ok(), "{pattern}: {:?}", Pattern::new(pattern).err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pattern_panics_and_matches_come_in_order(
        pattern in "([ab.é😀^$|()*+?]|[(]([?]([:=!>#]|<[=!]|<a>|'b'|[imnsx-]{1,3}[:)]))?|[\\[]\\^?|[\\]}{-]|[{][0-3],?[0-3]?[}]|\\\\.|\\\\[kpu1-3]([{<](a|L|IsGreek)[}>])?){0,16}",
        text in "[abé😀\n.-]{0,24}",
        written in "[$]?[a${}1&`'+_]{0,8}",
    ) {
        if let Ok(pattern) = Pattern::new(&pattern) {
            let substitution = Substitution::new(&written, pattern.groups());
            let mut at = 0;
            for found in pattern.all(&text).unwrap_or_default() {
                let (from, to) = found.whole();
                prop_assert!(at <= from && from <= to && text.get(from..to).is_some());
                at = to;
                substitution.parts(&found, &text);
            }
        }
    }
}
