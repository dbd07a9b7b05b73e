//! The groups of a pattern by their names and numbers in .NET, which counts those without a name first, and by their places, the order of their
//! opening brackets, which the engines count.

/// How a group is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// `(…)`
    Plain,
    /// `(?<1>…)`
    Number(u32),
    /// `(?<name>…)`
    Name(String),
}

/// The groups of a pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    number: u32,
    name: Option<String>,
    /// Several, where a name or number is used more than once.
    places: Vec<usize>,
}

impl Groups {
    /// The groups in the order of their opening brackets.
    pub(super) fn new(written: &[Written]) -> Self {
        let mut groups = Self::default();
        groups.add(0, None, 0);
        let mut plain = 0;
        for (place, group) in (1..).zip(written) {
            match group {
                Written::Plain => {
                    plain += 1;
                    groups.add(plain, None, place);
                }
                Written::Number(number) => groups.add(*number, None, place),
                Written::Name(_) => {}
            }
        }
        for (place, group) in (1..).zip(written) {
            let Written::Name(name) = group else { continue };
            let known = groups.groups.iter().find(|group| group.name.as_ref() == Some(name)).map(|group| group.number);
            let free = || (plain + 1..).find(|number| groups.groups.iter().all(|group| group.number != *number)).unwrap_or(u32::MAX);
            let number = known.unwrap_or_else(free);
            groups.add(number, Some(name), place);
        }
        groups.groups.sort_by_key(|group| group.number);
        groups
    }

    fn add(&mut self, number: u32, name: Option<&String>, place: usize) {
        match self.groups.iter_mut().find(|group| group.number == number) {
            Some(group) => group.places.push(place),
            None => self.groups.push(Group { number, name: name.cloned(), places: vec![place] }),
        }
    }

    /// The places of a group, by its name, or its number in digits; 0 is the whole match.
    pub(crate) fn named(&self, name: &str) -> Option<&[usize]> {
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number { name.parse::<u32>().ok() } else { None };
        let is_it = |group: &&Group| group.name.as_deref() == Some(name) || number == Some(group.number);
        self.groups.iter().find(is_it).map(|group| group.places.as_slice())
    }

    /// The places of each group, from the last number to the first, without the whole match.
    pub(super) fn backwards(&self) -> impl Iterator<Item = &[usize]> {
        self.groups.iter().rev().filter(|group| group.number > 0).map(|group| group.places.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_after_what_has_none() {
        let name = |name: &str| Written::Name(name.to_owned());
        let groups = Groups::new(&[name("a"), Written::Plain, name("b"), name("a"), Written::Number(3)]);
        for (wanted, places) in [
            ("0", Some(&[0][..])),
            ("1", Some(&[2])),
            ("a", Some(&[1, 4])),
            ("2", Some(&[1, 4])),
            ("3", Some(&[5])),
            ("b", Some(&[3])),
            ("4", Some(&[3])),
            ("5", None),
            ("c", None),
            ("", None),
        ] {
            assert_eq!(groups.named(wanted), places, "{wanted}");
        }
        assert_eq!(groups.backwards().collect::<Vec<_>>(), [&[3][..], &[5], &[1, 4], &[2]]);
    }
}
