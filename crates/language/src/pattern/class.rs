//! Classes of characters in brackets as .NET writes them, also with another class subtracted: `[a-z-[aeiou]]`.

use super::reader::{Reader, error};

/// How deep classes may be subtracted from each other.
const DEPTH_MAX: usize = 16;

enum Member {
    Char(char),
    Set(String),
}

impl Reader {
    /// A class, of which the opening bracket is read, as the engines write it.
    pub(super) fn class(&mut self, at: usize, depth: usize) -> Result<String, String> {
        if depth > DEPTH_MAX {
            return Err(error(at, "the class is nested too deep"));
        }
        let negation = if self.eat('^') { "^" } else { "" };
        let mut members = String::new();
        let mut is_first = true;
        loop {
            let place = self.at;
            let char = self.next().ok_or_else(|| error(at, "this class is not closed"))?;
            match char {
                ']' if !is_first => return Ok(format!("[{negation}{members}]")),
                '-' if !is_first && self.eat('[') => {
                    let subtracted = self.class(place + 1, depth + 1)?;
                    return match self.next() {
                        Some(']') => Ok(format!("[[{negation}{members}]--{subtracted}]")),
                        Some(_) | None => Err(error(place, "what is subtracted comes last in a class")),
                    };
                }
                '[' if self.peek() == Some(':') => return Err(error(place, "classes by name are written \\p{…}")),
                char => match self.member(char, place)? {
                    Member::Set(set) => members.push_str(&set),
                    Member::Char(first) => members.push_str(&self.range(first, place)?),
                },
            }
            is_first = false;
        }
    }

    fn member(&mut self, char: char, at: usize) -> Result<Member, String> {
        if char != '\\' {
            return Ok(Member::Char(char));
        }
        match self.next().ok_or_else(|| error(at, "a backslash needs a character after it"))? {
            'b' => Ok(Member::Char('\u{8}')),
            letter => match self.shorthand(letter, at)? {
                Some(set) => Ok(Member::Set(set)),
                None => self.character(letter, at).map(Member::Char),
            },
        }
    }

    /// The range that a character begins, or the character alone.
    fn range(&mut self, first: char, at: usize) -> Result<String, String> {
        let is_range = self.peek() == Some('-') && !matches!(self.chars.get(self.at + 1), None | Some(']' | '['));
        if !is_range {
            return Ok(written(first));
        }
        self.at += 1;
        let place = self.at;
        let last = self.next().unwrap_or_default();
        match self.member(last, place)? {
            Member::Char(last) if first <= last => Ok(format!("{}-{}", written(first), written(last))),
            Member::Char(_) => Err(error(at, "this range ends before it begins")),
            Member::Set(_) => Err(error(place, "a range goes from a character to a character")),
        }
    }
}

fn written(char: char) -> String {
    if char.is_ascii_alphanumeric() { char.to_string() } else { format!("\\x{{{:X}}}", u32::from(char)) }
}
