//! Reads a pattern as .NET writes it, and says the same in the syntax of the engines.
//!
//! Options within the pattern are followed here, but for that on case, which the engines have as well. Groups become plain brackets, which the
//! engines count.

use super::groups::Groups;
use super::reader::{Last, Reader, error};

/// A pattern said anew.
pub(super) struct Translation {
    pub(super) pieces: Vec<Piece>,
    pub(super) groups: Groups,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// The end of the text, or before a line feed that ends it.
    End,
    /// What a group matched, by its name or number, and where that is written.
    Reference(String, usize),
}

/// The pattern with an end that is written in this way.
pub(super) fn render(pieces: &[Piece], end: &str) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::End => end,
        Piece::Reference(..) => "",
    });
    texts.collect()
}

impl Translation {
    /// Reads a pattern.
    ///
    /// # Errors
    /// At the first place that .NET or the engines do not know.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let mut reader = Reader::new(pattern);
        while let Some(char) = reader.next() {
            reader.piece(char, reader.at - 1)?;
        }
        if let Some((at, _)) = reader.open.first() {
            return Err(error(*at, "this bracket is not closed"));
        }
        let groups = Groups::new(&reader.groups);
        let pieces = reader.pieces.into_iter().map(|piece| match piece {
            Piece::Reference(name, at) => match groups.named(&name) {
                Some([place]) => Ok(Piece::Text(format!("(?:\\{place})"))),
                Some(_) => Err(error(at, "a group that is there more than once cannot be referred to")),
                None => Err(error(at, "there is no such group")),
            },
            Piece::Text(_) | Piece::End => Ok(piece),
        });
        Ok(Self { pieces: pieces.collect::<Result<_, _>>()?, groups })
    }
}

impl Reader {
    fn piece(&mut self, char: char, at: usize) -> Result<(), String> {
        match char {
            '\\' => return self.escaped(at),
            '[' => {
                let class = self.class(at, 0)?;
                self.item(&class);
            }
            '(' => return self.opened(at),
            ')' => return self.closed(at),
            '|' => {
                self.push("|");
                self.last = Last::Nothing;
            }
            '*' | '+' | '?' => return self.repeated(&char.to_string(), at),
            '{' => match self.counted(at)? {
                Some(times) => return self.repeated(&times, at),
                None => self.item("\\{"),
            },
            '^' => self.item(if self.options.lines { "(?m:^)" } else { "\\A" }),
            '$' if self.options.lines => self.item("(?m:$)"),
            '$' => self.special(Piece::End),
            '.' => self.item(if self.options.dot_all { "(?s:.)" } else { "[^\\n]" }),
            '#' if self.options.spaced => while self.next().is_some_and(|char| char != '\n') {},
            ' ' | '\t'..='\r' if self.options.spaced => {}
            char => self.item(&regex::escape(char.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    fn escaped(&mut self, at: usize) -> Result<(), String> {
        let letter = self.next().ok_or_else(|| error(at, "a backslash needs a character after it"))?;
        match letter {
            'A' | 'z' | 'G' => self.item(&format!("\\{letter}")),
            'b' | 'B' => self.item(&format!("(?:\\{letter})")),
            'Z' => self.special(Piece::End),
            '1'..='9' => {
                let mut number = letter.to_string();
                while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                    self.at += 1;
                    number.push(digit);
                }
                self.special(Piece::Reference(number, at));
            }
            'k' => {
                let name = if self.eat('<') { self.until('>') } else { self.eat('\'').then(|| self.until('\'')).flatten() };
                let name = name.ok_or_else(|| error(at, "the name of a group is needed, as in \\k<name>"))?;
                self.special(Piece::Reference(name, at));
            }
            letter => {
                let item = match self.shorthand(letter, at)? {
                    Some(class) => class,
                    None => regex::escape(self.character(letter, at)?.encode_utf8(&mut [0; 4])),
                };
                self.item(&item);
            }
        }
        Ok(())
    }

    /// How often the last item comes.
    fn repeated(&mut self, times: &str, at: usize) -> Result<(), String> {
        match self.last {
            Last::Nothing => Err(error(at, "there is nothing to repeat before it")),
            Last::Repeated => Err(error(at, "what is repeated cannot be repeated again without brackets")),
            Last::Item => {
                self.push(times);
                if self.eat('?') {
                    self.push("?");
                }
                self.last = Last::Repeated;
                Ok(())
            }
        }
    }

    /// `{2}`, `{2,}` or `{2,3}`; anything else after a bracket is text.
    fn counted(&mut self, at: usize) -> Result<Option<String>, String> {
        let rest: String = self.chars.iter().skip(self.at).take_while(|char| **char != '}').collect();
        let (least, most) = rest.split_once(',').map_or((rest.as_str(), None), |(least, most)| (least, Some(most)));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_closed = self.chars.get(self.at + rest.len()) == Some(&'}');
        if least.is_empty() || !is_number(least) || !most.is_none_or(is_number) || !is_closed {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| error(at, "the number is too large"));
        if most.is_some_and(|most| !most.is_empty()) && number(least)? > number(most.unwrap_or_default())? {
            return Err(error(at, "the first number is larger than the second"));
        }
        self.at += rest.len() + 1;
        Ok(Some(format!("{{{rest}}}")))
    }
}
