//! Turns a text into tokens. All languages share them.

use crate::error::{Code, Error};
use crate::limits::CHARS_MAX;
use crate::span::Span;

/// The smallest part of a text that means something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A function, an operator in words, or an attribute without brackets.
    Name(String),
    /// An attribute in brackets.
    Attribute(String),
    /// A text in quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `(`, `)`, `,`, `=`, `<>`, `>`, `>=`, `<`, `<=`, `&` or `!&`.
    Sign(&'static str),
}

/// The signs, the longer ones first.
const SIGNS: [&str; 12] = ["<>", ">=", "<=", "!&", "(", ")", ",", "=", ">", "<", "&", ";"];

impl Token {
    /// The token in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Attribute(name) => format!("`[{name}]`"),
            Self::Text(_) => "a text".to_owned(),
            Self::Integer(number) => format!("`{number}`"),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// A text in quotes, which reads back as the same text.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The tokens of a text, each with its place.
///
/// # Errors
/// At the first place that is no token, and if the text is too long.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, Error> {
    if text.chars().count() > CHARS_MAX {
        return Err(Error::new(Code::TooLarge, Span::new(0, 0), format!("it has more than {CHARS_MAX} characters")));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(first) = lexer.peek() {
        if first.is_whitespace() {
            lexer.at += first.len_utf8();
            continue;
        }
        let start = lexer.at;
        let token = lexer.token(first)?;
        tokens.push((token, Span::new(start, lexer.at)));
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn token(&mut self, first: char) -> Result<Token, Error> {
        match first {
            '"' => self.quoted(),
            '[' => self.attribute(),
            '0'..='9' => self.decimal(),
            '-' if self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => self.decimal(),
            '&' if self.rest()[1..].starts_with(['H', 'h']) => self.hexadecimal(),
            first if first.is_alphabetic() || first == '_' || first == '$' => {
                Ok(Token::Name(self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-')).to_owned()))
            }
            first => self.sign(first),
        }
    }

    fn sign(&mut self, first: char) -> Result<Token, Error> {
        if let Some(sign) = SIGNS.into_iter().find(|sign| self.rest().starts_with(sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let span = Span::new(self.at, self.at + first.len_utf8());
        let hint = match first {
            '“' | '”' | '„' | '‟' | '\'' | '‘' | '’' | '`' => Some("\"".to_owned()),
            _ => None,
        };
        Err(Error::new(Code::Character, span, format!("`{}` has no meaning here", first.escape_debug())).hint(hint))
    }

    /// A backslash stands before a quote or a backslash that is part of the text; before anything else it is part of the text itself.
    fn quoted(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(Token::Text(text));
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                char => text.push(char),
            }
        }
        Err(Error::new(Code::Unterminated, Span::new(start, start + 1), "the text that begins here has no end"))
    }

    fn attribute(&mut self) -> Result<Token, Error> {
        let start = self.at;
        let Some(length) = self.rest().find(']') else {
            return Err(Error::new(Code::Unterminated, Span::new(start, start + 1), "the attribute that begins here has no `]`"));
        };
        let name = self.rest()[1..length].trim().to_owned();
        self.at += length + 1;
        if name.is_empty() {
            return Err(Error::new(Code::Unexpected, Span::new(start, self.at), "an attribute needs a name"));
        }
        Ok(Token::Attribute(name))
    }

    fn decimal(&mut self) -> Result<Token, Error> {
        let start = self.at;
        if self.peek() == Some('-') {
            self.at += 1;
        }
        self.take_while(|c| c.is_ascii_digit());
        if self.peek() == Some('.') {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
            return Err(Error::new(Code::Character, Span::new(start, self.at), "a number is whole"));
        }
        let span = Span::new(start, self.at);
        span.of(self.text).parse().map(Token::Integer).map_err(|_| too_large(span))
    }

    fn hexadecimal(&mut self) -> Result<Token, Error> {
        let start = self.at;
        self.at += 2;
        let digits = self.take_while(|c| c.is_ascii_hexdigit());
        let span = Span::new(start, self.at);
        if digits.is_empty() {
            return Err(Error::new(Code::Character, span, "a hexadecimal number needs digits"));
        }
        i64::from_str_radix(digits, 16).map(Token::Integer).map_err(|_| too_large(span))
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

fn too_large(span: Span) -> Error {
    Error::new(Code::Constant, span, "the number is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match tokens(text) {
            Ok(tokens) => tokens.iter().map(|(token, _)| format!("{token:?}")).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{} at {}..{}", error.code.name(), error.span.start, error.span.end),
        }
    }

    #[test]
    fn every_kind_of_token_is_read() {
        for (text, want) in [
            ("Join( [a b], -3,&HF7)", r#"Name("Join") Sign("(") Attribute("a b") Sign(",") Integer(-3) Sign(",") Integer(247) Sign(")")"#),
            (r#""a\"b\\d\s""#, r#"Text("a\"b\\d\\s")"#),
            ("[a]<>[b]>=1", r#"Attribute("a") Sign("<>") Attribute("b") Sign(">=") Integer(1)"#),
            ("", ""),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_said_with_its_place() {
        for (text, want) in [
            ("A(\"x", "unterminated at 2..3"),
            ("A([x", "unterminated at 2..3"),
            ("A([ ])", "unexpected at 2..5"),
            ("A(1.5)", "character at 2..5"),
            ("A(99999999999999999999)", "constant at 2..22"),
            ("A(&H)", "character at 2..4"),
            ("A(“x”)", "character at 2..5"),
            ("A(#)", "character at 2..3"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
        assert_eq!(show(&"x".repeat(CHARS_MAX + 1)), "too_large at 0..0");
    }
}
