//! Splits a filter into words, texts and signs.

use crate::error::Failure;

/// One token of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, keyword, number, date or id.
    Word(String),
    /// A quoted text, without its quotes.
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

pub(super) fn tokens(filter: &str) -> Result<Vec<Token>, Failure> {
    let mut tokens = Vec::new();
    let mut rest = filter.chars().peekable();
    while let Some(letter) = rest.next() {
        let token = match letter {
            letter if letter.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '\'' => Token::Text(text(&mut rest)?),
            letter => {
                let mut word = String::from(letter);
                // A colon ends a name (`any(x:x eq …)`) but not a time (`2024-01-01T10:00:00Z`).
                let ends = |next: char, word: &str| match next {
                    ':' => !word.starts_with(|first: char| first.is_ascii_digit()),
                    next => next.is_whitespace() || "(),'".contains(next),
                };
                while let Some(next) = rest.next_if(|next| !ends(*next, &word)) {
                    word.push(next);
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

/// Reads the rest of a quoted text; two quotes stand for one.
fn text(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, Failure> {
    let mut text = String::new();
    while let Some(letter) = rest.next() {
        match letter {
            '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Ok(text),
            letter => text.push(letter),
        }
    }
    Err(Failure::bad_request("Invalid filter clause: unterminated string literal."))
}
