//! What a round bracket opens in .NET: groups with and without names, look-around, options and comments.

use super::groups::Written;
use super::reader::{Last, Reader, error};

impl Reader {
    /// A bracket, of which the first character is read.
    pub(super) fn opened(&mut self, at: usize) -> Result<(), String> {
        let after = self.options;
        if !self.eat('?') {
            let opening = if self.options.names_only {
                "(?:"
            } else {
                self.groups.push(Written::Plain);
                "("
            };
            self.push(opening);
        } else {
            match self.next() {
                Some('#') => return self.until(')').map(|_| ()).ok_or_else(|| error(at, "this comment is not closed")),
                Some(kind @ (':' | '=' | '!' | '>')) => self.push(&format!("(?{kind}")),
                Some('<') if self.eat('=') => self.push("(?<="),
                Some('<') if self.eat('!') => self.push("(?<!"),
                Some('<') => self.named('>', at)?,
                Some('\'') => self.named('\'', at)?,
                Some('(') => return Err(error(at, "a choice by a condition cannot be run")),
                Some('i' | 'm' | 'n' | 's' | 'x' | '-') => {
                    self.at -= 1;
                    if self.options_set(at)? {
                        return Ok(());
                    }
                }
                Some(_) | None => return Err(error(at, "nothing of this kind can be opened")),
            }
        }
        self.open.push((at, after));
        self.last = Last::Nothing;
        Ok(())
    }

    /// A closing bracket.
    pub(super) fn closed(&mut self, at: usize) -> Result<(), String> {
        let (_, options) = self.open.pop().ok_or_else(|| error(at, "this bracket closes none"))?;
        self.options = options;
        self.push(")");
        self.last = Last::Item;
        Ok(())
    }

    fn named(&mut self, end: char, at: usize) -> Result<(), String> {
        let name = self.until(end).ok_or_else(|| error(at, "the name of this group has no end"))?;
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let group = match name.parse::<u32>() {
            Ok(0) => return Err(error(at, "group 0 is the whole match")),
            Ok(number) if is_number => Written::Number(number),
            _ if name.contains('-') => return Err(error(at, "balancing groups cannot be run")),
            _ if name.is_empty() || name.starts_with(|first: char| first.is_numeric()) || !name.chars().all(is_word) => {
                return Err(error(at, "this is no name of a group"));
            }
            _ => Written::Name(name),
        };
        self.groups.push(group);
        self.push("(");
        Ok(())
    }

    /// Options, for the rest of the bracket around them or for a bracket of their own. Whether they have none.
    fn options_set(&mut self, at: usize) -> Result<bool, String> {
        let mut on = true;
        let mut ignores_case = None;
        let is_alone = loop {
            match self.next() {
                Some('-') => on = false,
                Some('i') => ignores_case = Some(on),
                Some('m') => self.options.lines = on,
                Some('n') => self.options.names_only = on,
                Some('s') => self.options.dot_all = on,
                Some('x') => self.options.spaced = on,
                Some(')') => break true,
                Some(':') => break false,
                Some(_) | None => return Err(error(at, "there is no such option")),
            }
        };
        let case = match ignores_case {
            Some(true) => "i",
            Some(false) => "-i",
            None => "",
        };
        match (is_alone, case) {
            (true, "") => {}
            (true, case) => self.push(&format!("(?{case})")),
            (false, case) => self.push(&format!("(?{case}:")),
        }
        if is_alone {
            self.last = Last::Nothing;
        }
        Ok(is_alone)
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}
