//! Parses a filter: `or = and { OR and }`, `and = not { AND not }`, `not = NOT not | ( or ) | clause`, `clause = attribute operator [value]`.

use super::operator::Operator;
use super::tree::{Node, Tree, is_reserved};
use crate::error::{Code, Error, nearest};
use crate::lexer::{Token, tokens};
use crate::limits::DEPTH_MAX;
use crate::span::Span;

/// The most words of an operator.
const WORDS_MAX: usize = 4;

/// Parses a filter.
///
/// # Errors
/// At the first place that is not as the grammar says, and if it is too long or nested too deep.
pub fn parse(text: &str) -> Result<Tree, Error> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, end: Span::new(text.len(), text.len()) };
    let tree = parser.or(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(tree),
        Some((token, span)) => {
            Err(Error::new(Code::Unexpected, *span, format!("`AND`, `OR` or the end is expected before {}", token.describe())))
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// The place after the text.
    end: Span,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Result<Tree, Error> {
        self.list("OR", Node::Or, depth, Self::and)
    }

    fn and(&mut self, depth: usize) -> Result<Tree, Error> {
        self.list("AND", Node::And, depth, Self::not)
    }

    /// One part, or several with a word between them.
    fn list(
        &mut self,
        word: &str,
        node: fn(Vec<Tree>) -> Node,
        depth: usize,
        part: fn(&mut Self, usize) -> Result<Tree, Error>,
    ) -> Result<Tree, Error> {
        let first = part(self, depth)?;
        let mut parts = vec![first];
        while self.take_word(word).is_some() {
            parts.push(part(self, depth)?);
        }
        match <[Tree; 1]>::try_from(parts) {
            Ok([alone]) => Ok(alone),
            Err(parts) => {
                let span = parts.first().zip(parts.last()).map_or(self.end, |(first, last)| first.span.to(last.span));
                Ok(Tree { node: node(parts), span })
            }
        }
    }

    fn not(&mut self, depth: usize) -> Result<Tree, Error> {
        if depth > DEPTH_MAX {
            return Err(Error::new(Code::TooLarge, self.here(), format!("it is nested deeper than {DEPTH_MAX} brackets")));
        }
        if let Some(start) = self.take_word("NOT") {
            let inner = self.not(depth + 1)?;
            let span = start.to(inner.span);
            return Ok(Tree { node: Node::Not(Box::new(inner)), span });
        }
        match self.tokens.get(self.at) {
            Some((Token::Sign("("), open)) => {
                let open = *open;
                self.at += 1;
                let inner = self.or(depth + 1)?;
                match self.tokens.get(self.at) {
                    Some((Token::Sign(")"), close)) => {
                        let span = open.to(*close);
                        self.at += 1;
                        Ok(Tree { span, ..inner })
                    }
                    Some((token, span)) => {
                        Err(Error::new(Code::Unexpected, *span, format!("`AND`, `OR` or `)` is expected before {}", token.describe())))
                    }
                    None => Err(Error::new(Code::Unterminated, open, "the bracket that opens here is not closed")),
                }
            }
            _ => self.clause(),
        }
    }

    fn clause(&mut self) -> Result<Tree, Error> {
        let (attribute, attribute_span) = match self.tokens.get(self.at) {
            Some((Token::Attribute(name), span)) => (name.clone(), *span),
            Some((Token::Name(name), span)) if !is_reserved(name) => (name.clone(), *span),
            Some((token, span)) => {
                return Err(Error::new(Code::Unexpected, *span, format!("an attribute is expected before {}", token.describe())));
            }
            None => return Err(Error::new(Code::Unexpected, self.end, "an attribute is missing")),
        };
        self.at += 1;
        let operator = self.operator()?;
        let (value, value_span) = if operator.takes_value() { self.value(operator)? } else { (String::new(), self.here()) };
        let span = if operator.takes_value() { attribute_span.to(value_span) } else { attribute_span.to(self.before()) };
        Ok(Tree { node: Node::Clause { attribute, attribute_span, operator, value, value_span }, span })
    }

    /// The longest operator that is written here.
    fn operator(&mut self) -> Result<Operator, Error> {
        if let Some((Token::Sign(sign), _)) = self.tokens.get(self.at)
            && let Some(operator) = Operator::of(sign)
        {
            self.at += 1;
            return Ok(operator);
        }
        let words: Vec<&str> = self.tokens[self.at..].iter().map_while(|(token, _)| word(token)).take(WORDS_MAX).collect();
        for count in (1..=words.len()).rev() {
            if let Some(operator) = Operator::of(&words[..count].join(" ")) {
                self.at += count;
                return Ok(operator);
            }
        }
        let hint = nearest(words.first().copied().unwrap_or_default(), Operator::names());
        Err(Error::new(Code::UnknownFunction, self.here(), "an operator is expected, such as `EQUALS` or `IS NOT NULL`").hint(hint))
    }

    fn value(&mut self, operator: Operator) -> Result<(String, Span), Error> {
        let (value, span) = match self.tokens.get(self.at) {
            Some((Token::Text(text), span)) => (text.clone(), *span),
            // As it is written: `01234` is no other text.
            Some((Token::Integer(_), span)) => (span.of(self.text).to_owned(), *span),
            Some((token, span)) => {
                return Err(Error::new(
                    Code::Unexpected,
                    *span,
                    format!("{} needs a text in quotes, not {}", operator.name(), token.describe()),
                ));
            }
            None => return Err(Error::new(Code::Unexpected, self.end, format!("{} needs a text in quotes", operator.name()))),
        };
        self.at += 1;
        Ok((value, span))
    }

    fn take_word(&mut self, wanted: &str) -> Option<Span> {
        let (token, span) = self.tokens.get(self.at)?;
        word(token).filter(|word| word.eq_ignore_ascii_case(wanted))?;
        self.at += 1;
        Some(*span)
    }

    /// The place of the next token.
    fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |(_, span)| *span)
    }

    /// The place of the token before.
    fn before(&self) -> Span {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(self.end, |(_, span)| *span)
    }
}

fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Name(name) => Some(name),
        Token::Attribute(_) | Token::Text(_) | Token::Integer(_) | Token::Sign(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match parse(text) {
            Ok(tree) => tree.to_string(),
            Err(error) => format!("{} at {}: {error}", error.code.name(), error.span.start),
        }
    }

    #[test]
    fn a_filter_reads_back_as_the_same_tree() {
        for (text, want) in [
            (
                r#"department equals "Sales" and not country REGEX MATCH "ES|FR""#,
                r#"department EQUALS "Sales" AND NOT (country REGEX MATCH "ES|FR")"#,
            ),
            (r#"a EQUALS "1" OR b IS NULL AND c IS TRUE"#, r#"a EQUALS "1" OR b IS NULL AND c IS TRUE"#),
            (r#"(a EQUALS 1 OR b IS NOT NULL) AND c IS FALSE"#, r#"(a EQUALS "1" OR b IS NOT NULL) AND c IS FALSE"#),
            (r#"[not] Greater_Than 5"#, r#"[not] GREATER THAN "5""#),
            (r#"a & "x;y" OR b !& "z""#, r#"a & "x;y" OR b !& "z""#),
            (r#"NOT NOT a IS NULL"#, "NOT (NOT (a IS NULL))"),
        ] {
            assert_eq!(show(text), want, "{text}");
            assert_eq!(parse(want), parse(text));
        }
    }

    #[test]
    fn what_is_not_grammar_is_said_with_its_place() {
        for (text, want) in [
            ("", "unexpected at 0: an attribute is missing"),
            ("a", "unknown_function at 1: an operator is expected, such as `EQUALS` or `IS NOT NULL`"),
            ("a EQUAL \"x\"", "unknown_function at 2: an operator is expected, such as `EQUALS` or `IS NOT NULL`, did you mean `EQUALS`?"),
            ("a EQUALS x", "unexpected at 9: EQUALS needs a text in quotes, not `x`"),
            ("a EQUALS", "unexpected at 8: EQUALS needs a text in quotes"),
            ("a IS NULL b IS NULL", "unexpected at 10: `AND`, `OR` or the end is expected before `b`"),
            ("(a IS NULL", "unterminated at 0: the bracket that opens here is not closed"),
            ("a IS NULL AND", "unexpected at 13: an attribute is missing"),
            ("AND", "unexpected at 0: an attribute is expected before `AND`"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
        let deep = format!("{}a IS NULL{}", "(".repeat(100), ")".repeat(100));
        assert_eq!(show(&deep), "too_large at 65: it is nested deeper than 64 brackets");
    }
}
