//! The English names of months and days, and reading them in whatever case.

use super::cursor::Cursor;

/// From January.
pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// From Sunday.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The name of a number, from 0; empty if there is none.
pub(super) fn long(names: &[&'static str], number: u32) -> &'static str {
    names.get(number as usize).copied().unwrap_or_default()
}

/// Its first three letters.
pub(super) fn short(names: &[&'static str], number: u32) -> &'static str {
    first_letters(long(names, number))
}

fn first_letters(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

impl Cursor<'_> {
    /// Takes a name; returns its number, from 0.
    pub(super) fn long_name(&mut self, names: &[&'static str]) -> Option<u32> {
        let at = names.iter().position(|name| self.take_text(name))?;
        u32::try_from(at).ok()
    }

    /// Takes the first three letters of a name; returns its number, from 0.
    pub(super) fn short_name(&mut self, names: &[&'static str]) -> Option<u32> {
        let at = names.iter().position(|name| self.take_text(first_letters(name)))?;
        u32::try_from(at).ok()
    }

    /// Takes a name, long or short, that no other letter follows; returns its number, from 0.
    pub(super) fn name(&mut self, names: &[&'static str]) -> Option<u32> {
        let mut after = *self;
        let number = after.long_name(names).or_else(|| after.short_name(names))?;
        if after.peek().is_some_and(char::is_alphabetic) {
            return None;
        }
        *self = after;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_long_or_short_and_in_any_case() {
        for (text, want) in
            [("June 15", Some(5)), ("jun 15", Some(5)), ("MAY", Some(4)), ("Jun15", Some(5)), ("Juno", None), ("Ju", None), ("", None)]
        {
            assert_eq!(Cursor::new(text).name(&MONTHS), want, "{text}");
        }
    }
}
