//! What a backslash begins in .NET: classes of characters, and characters by number.

use super::blocks::property;
use super::reader::{Reader, error};

/// `\w` as .NET has it.
const WORD: &str = r"\p{L}\p{Mn}\p{Nd}\p{Pc}";

impl Reader {
    /// The class that a letter after a backslash stands for, as the engines write it.
    pub(super) fn shorthand(&mut self, letter: char, at: usize) -> Result<Option<String>, String> {
        Ok(Some(match letter {
            'd' | 'D' | 's' | 'S' => format!("\\{letter}"),
            'w' => format!("[{WORD}]"),
            'W' => format!("[^{WORD}]"),
            'p' | 'P' => {
                let name = if self.eat('{') { self.until('}') } else { None };
                let class = name.and_then(|name| property(&name, letter == 'P'));
                class.ok_or_else(|| error(at, "there is no such class of characters"))?
            }
            _ => return Ok(None),
        }))
    }

    /// The character that stands for itself or by number after a backslash, whose first character is read.
    pub(super) fn character(&mut self, first: char, at: usize) -> Result<char, String> {
        Ok(match first {
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.hexadecimal(2).and_then(char::from_u32).ok_or_else(|| error(at, "two hexadecimal digits are needed"))?,
            'u' => self.unit(at)?,
            'c' => {
                let control = self.next().filter(|char| matches!(char, '@'..='_' | 'a'..='z'));
                let control = control.ok_or_else(|| error(at, "there is no such control character"))?;
                char::from_u32(u32::from(control.to_ascii_uppercase()) - u32::from('@')).unwrap_or_default()
            }
            '0'..='7' => self.octal(first),
            // A letter means something or is reserved.
            first if first.is_alphanumeric() || first == '_' => return Err(error(at, format!("`\\{first}` means nothing"))),
            first => first,
        })
    }

    /// Up to three octal digits, of which eight bits count.
    fn octal(&mut self, first: char) -> char {
        let mut number = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|char| char.to_digit(8)) else { break };
            self.at += 1;
            number = number * 8 + digit;
        }
        char::from_u32(number & 0xff).unwrap_or_default()
    }

    /// A UTF-16 code unit, or two that make one character.
    fn unit(&mut self, at: usize) -> Result<char, String> {
        let first = self.hexadecimal(4).ok_or_else(|| error(at, "four hexadecimal digits are needed"))?;
        if let Some(char) = char::from_u32(first) {
            return Ok(char);
        }
        let second = if self.eat('\\') && self.eat('u') { self.hexadecimal(4) } else { None };
        let units = [Some(first), second].into_iter().flatten().filter_map(|unit| u16::try_from(unit).ok());
        let char = char::decode_utf16(units).next().and_then(Result::ok);
        char.ok_or_else(|| error(at, "half of a surrogate pair is no character"))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let digits = self.chars.get(self.at..self.at + digits)?;
        let number = digits.iter().try_fold(0, |number, digit| digit.to_digit(16).map(|digit| number * 16 + digit))?;
        self.at += digits.len();
        Some(number)
    }
}
