//! Path patterns: `*` stands for any text within one segment, `**` for any text at all. Case is ignored, as Graph ignores it.

/// Whether the whole text is as the pattern says.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    walk(pattern.to_lowercase().as_bytes(), text.to_lowercase().as_bytes())
}

/// Takes the pattern piece by piece; what a star took last is given more when the rest does not fit.
fn walk(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // For each kind of star the place after it and how far it has taken the text: within a segment, and beyond.
    let mut narrow: Option<(usize, usize)> = None;
    let mut wide: Option<(usize, usize)> = None;
    loop {
        if pattern[at..].starts_with(b"**") {
            at += 2;
            (narrow, wide) = (None, Some((at, read)));
        } else if pattern.get(at) == Some(&b'*') {
            at += 1;
            narrow = Some((at, read));
        } else if read == text.len() && at == pattern.len() {
            return true;
        } else if read < text.len() && pattern.get(at) == text.get(read) {
            (at, read) = (at + 1, read + 1);
        } else if let Some((after, taken)) = narrow.filter(|(_, taken)| text.get(*taken).is_some_and(|byte| *byte != b'/')) {
            narrow = Some((after, taken + 1));
            (at, read) = (after, taken + 1);
        } else if let Some((after, taken)) = wide.filter(|(_, taken)| *taken < text.len()) {
            (narrow, wide) = (None, Some((after, taken + 1)));
            (at, read) = (after, taken + 1);
        } else {
            return false;
        }
    }
}

#[test]
fn one_star_stays_within_a_segment_and_two_go_beyond() {
    for (pattern, text, want) in [
        ("/users", "/users", true),
        ("/users", "/users/delta", false),
        ("/Users/*", "/users/ana@emea.example", true),
        ("/users/*", "/users/a/manager", false),
        ("/users/**", "/users/a/manager/$ref", true),
        ("/users/*/manager/$ref", "/users/a/manager/$ref", true),
        ("/**/members**", "/groups/g/members/$ref", true),
        ("/**", "/", true),
        ("/groups/*-*/members", "/groups/a-b-c/members", true),
        ("/users/delta?**$skiptoken=**", "/users/delta?$select=id&$skiptoken=abc", true),
        ("/users/delta?**$skiptoken=**", "/users/delta?$deltatoken=abc", false),
        ("", "", true),
        ("*", "a/b", false),
    ] {
        assert_eq!(fits(pattern, text), want, "{pattern} {text}");
    }
}
