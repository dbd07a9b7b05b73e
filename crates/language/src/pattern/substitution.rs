//! What takes the place of a match, as .NET writes it: `$1` and `${name}` are groups, `$$` is a dollar sign, `$&` the match, `` $` `` and `$'` what
//! is before and after it, `$+` the last group and `$_` the whole text. A `$` before anything else stands for itself, also where there is no such
//! group.

use super::Found;
use super::groups::Groups;

/// A text in which groups may stand.
pub(crate) struct Substitution<'t> {
    parts: Vec<Part<'t>>,
}

enum Part<'t> {
    Text(&'t str),
    /// By its places in the pattern.
    Group(Vec<usize>),
    Before,
    After,
    /// The group of the highest number that matched, or the whole match of a pattern without groups.
    Last(Vec<Vec<usize>>),
    All,
}

impl<'t> Substitution<'t> {
    /// Reads a text.
    pub(crate) fn new(text: &'t str, groups: &Groups) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            let (part, length) = reference(after, groups).unwrap_or((Part::Text("$"), 0));
            parts.extend([Part::Text(before), part]);
            rest = after.get(length..).unwrap_or_default();
        }
        parts.push(Part::Text(rest));
        Self { parts }
    }

    /// The parts of what takes the place of a match in a text.
    pub(crate) fn parts<'p>(&'p self, found: &Found, text: &'p str) -> Vec<&'p str> {
        let of = |place: Option<(usize, usize)>| place.and_then(|(from, to)| text.get(from..to)).unwrap_or_default();
        let (from, to) = found.whole();
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Group(places) => of(found.group(places)),
            Part::Before => of(Some((0, from))),
            Part::After => of(Some((to, text.len()))),
            Part::Last(groups) if groups.is_empty() => of(Some((from, to))),
            Part::Last(groups) => of(groups.iter().find_map(|places| found.group(places))),
            Part::All => text,
        });
        parts.collect()
    }
}

/// What stands after a `$`, and its length.
fn reference<'t>(after: &str, groups: &Groups) -> Option<(Part<'t>, usize)> {
    let group = |name: &str, length: usize| groups.named(name).map(|places| (Part::Group(places.to_vec()), length));
    match after.chars().next()? {
        '0'..='9' => {
            let length = after.find(|char: char| !char.is_ascii_digit()).unwrap_or(after.len());
            group(after.get(..length)?, length)
        }
        '{' => {
            let (name, _) = after.strip_prefix('{')?.split_once('}')?;
            group(name, name.len() + 2)
        }
        '$' => Some((Part::Text("$"), 1)),
        '&' => group("0", 1),
        '`' => Some((Part::Before, 1)),
        '\'' => Some((Part::After, 1)),
        '+' => Some((Part::Last(groups.backwards().map(<[usize]>::to_vec).collect()), 1)),
        '_' => Some((Part::All, 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    #[test]
    fn groups_and_parts_of_the_text_are_filled_in() {
        let pattern = Pattern::new(r"(?<year>\d{4})-(\d\d)(x)?").unwrap();
        let text = "on 2024-05!";
        let found = pattern.first(text).unwrap().unwrap();
        for (written, want) in [
            ("$1/$2/$3/${year}/${1}", "05//2024/2024/05"),
            ("$$1 $& $", "$1 2024-05 $"),
            ("[$`|$'|$_]", "[on |!|on 2024-05!]"),
            ("$+", "2024"),
            ("$4 ${month} $a ${year", "$4 ${month} $a ${year"),
            ("", ""),
        ] {
            assert_eq!(Substitution::new(written, pattern.groups()).parts(&found, text).concat(), want, "{written}");
        }
    }
}
