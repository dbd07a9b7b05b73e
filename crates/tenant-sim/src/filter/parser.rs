//! Reads a filter: `or` binds weakest, then `and`, then `not`, as in OData.

use super::lexer::{Token, tokens};
use super::{Comparison, Filter, Items, Literal, Term, Test};
use crate::error::Failure;
use crate::property::{ObjectKind, Schema};
use crate::value::{Kind, parse_time};

/// The nesting limit of parentheses and `not`.
const DEPTH_MAX: usize = 50;
/// The length limit of a filter in bytes; Graph limits only the URL.
const LENGTH_MAX: usize = 8_192;
/// The values of one `in`. Source: Microsoft Graph, "Use the $filter query parameter", operators: 15 expressions by default.
const LISTED_MAX: usize = 15;

/// Reads a filter on objects of that kind.
pub(crate) fn parse(schema: &Schema, kind: ObjectKind, filter: &str) -> Result<Filter, Failure> {
    if filter.len() > LENGTH_MAX {
        return Err(Failure::bad_request("The filter is too long."));
    }
    let tokens = tokens(filter)?;
    let mut parser = Parser { schema, kind, tokens: &tokens, depth: 0 };
    let filter = parser.either()?;
    match parser.tokens {
        [] => Ok(filter),
        [token, ..] => Err(syntax(&format!("unexpected {token:?}"))),
    }
}

struct Parser<'a> {
    schema: &'a Schema,
    kind: ObjectKind,
    tokens: &'a [Token],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn either(&mut self) -> Result<Filter, Failure> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, Failure> {
        let mut left = self.unary()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Filter, Failure> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Failure::bad_request("The filter nests too deep."));
        }
        let filter = if self.keyword("not") {
            Filter::Not(Box::new(self.unary()?))
        } else if self.sign(&Token::Open) {
            let inner = self.either()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn condition(&mut self) -> Result<Filter, Failure> {
        let word = self.word()?;
        if let Some(test) = affix(&word) {
            self.expect(&Token::Open)?;
            let name = self.word()?;
            let term = self.term(&name)?;
            let text = self.affix_text()?;
            return Ok(Filter::Test(term, test(text)));
        }
        if let Some(list) = word.strip_suffix("/any") {
            return self.any(list);
        }
        if self.tokens.first() == Some(&Token::Open) {
            return Err(Failure::unsupported_query(format!("The function '{word}' is not supported.")));
        }
        let term = self.term(&word)?;
        if term.part.is_none() && self.schema.kind(term.prop) == Kind::Texts {
            return Err(Failure::unsupported_query(format!("The property '{word}' is a collection; use any().")));
        }
        Ok(Filter::Test(term, self.test()?))
    }

    fn any(&mut self, list: &str) -> Result<Filter, Failure> {
        let term = self.term(list)?;
        if !matches!(self.schema.kind(term.prop), Kind::Texts | Kind::Complex) {
            return Err(Failure::bad_request(format!("any() needs a collection, but '{list}' is none.")));
        }
        self.expect(&Token::Open)?;
        if self.sign(&Token::Close) {
            return Ok(Filter::Any(term.prop, None));
        }
        let variable = self.word()?;
        self.expect(&Token::Colon)?;
        let items = self.items(&variable)?;
        self.expect(&Token::Close)?;
        Ok(Filter::Any(term.prop, Some(Box::new(items))))
    }

    fn items(&mut self, variable: &str) -> Result<Items, Failure> {
        let mut left = self.item(variable)?;
        loop {
            if self.keyword("and") {
                left = Items::And(Box::new(left), Box::new(self.item(variable)?));
            } else if self.keyword("or") {
                left = Items::Or(Box::new(left), Box::new(self.item(variable)?));
            } else {
                return Ok(left);
            }
        }
    }

    fn item(&mut self, variable: &str) -> Result<Items, Failure> {
        let word = self.word()?;
        if let Some(test) = affix(&word) {
            self.expect(&Token::Open)?;
            let name = self.word()?;
            let part = item_part(variable, &name)?;
            let text = self.affix_text()?;
            return Ok(Items::Test(part, test(text)));
        }
        Ok(Items::Test(item_part(variable, &word)?, self.test()?))
    }

    fn affix_text(&mut self) -> Result<String, Failure> {
        self.expect(&Token::Comma)?;
        let text = match self.literal()? {
            Literal::Text(text) => text,
            Literal::Null | Literal::Flag(_) | Literal::Time(_) | Literal::Number(_) => {
                return Err(syntax("a text is expected"));
            }
        };
        self.expect(&Token::Close)?;
        Ok(text)
    }

    fn test(&mut self) -> Result<Test, Failure> {
        let comparison = match self.word()?.to_ascii_lowercase().as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "in" => return self.listed(),
            word => {
                return Err(Failure::unsupported_query(format!("Unsupported operator '{word}'.")));
            }
        };
        Ok(Test::Compare(comparison, self.literal()?))
    }

    fn listed(&mut self) -> Result<Test, Failure> {
        self.expect(&Token::Open)?;
        let mut literals = vec![self.literal()?];
        while self.sign(&Token::Comma) {
            literals.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        if literals.len() > LISTED_MAX {
            let count = literals.len();
            let message = format!(
                "Too many child clauses specified in search filter expression containing 'OR' operators: {count}. Max allowed: {LISTED_MAX}."
            );
            return Err(Failure::unsupported_query(message));
        }
        Ok(Test::In(literals))
    }

    fn literal(&mut self) -> Result<Literal, Failure> {
        let literal = match self.next()? {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Word(word) => match word.as_str() {
                "null" => Literal::Null,
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                word => {
                    let number = word.parse().map(Literal::Number).ok();
                    let value = number.or_else(|| parse_time(word).map(Literal::Time));
                    value.ok_or_else(|| syntax(&format!("'{word}' is not a value")))?
                }
            },
            token @ (Token::Open | Token::Close | Token::Comma | Token::Colon) => {
                return Err(syntax(&format!("unexpected {token:?}")));
            }
        };
        Ok(literal)
    }

    fn term(&self, name: &str) -> Result<Term, Failure> {
        let (name, part) = match name.split_once('/') {
            Some((name, part)) => (name, Some(part.to_owned())),
            None => (name, None),
        };
        let resource = if self.kind == ObjectKind::Group { "group" } else { "user" };
        let prop = self.schema.find(self.kind, name).ok_or_else(|| Failure::no_property(name, resource))?;
        Ok(Term { prop, part })
    }

    fn next(&mut self) -> Result<&'a Token, Failure> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| syntax("it ends too early"))?;
        self.tokens = rest;
        Ok(first)
    }

    fn word(&mut self) -> Result<String, Failure> {
        match self.next()? {
            Token::Word(word) => Ok(word.clone()),
            token @ (Token::Text(_) | Token::Open | Token::Close | Token::Comma | Token::Colon) => {
                Err(syntax(&format!("unexpected {token:?}")))
            }
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.first(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if is {
            self.tokens = &self.tokens[1..];
        }
        is
    }

    fn sign(&mut self, sign: &Token) -> bool {
        let is = self.tokens.first() == Some(sign);
        if is {
            self.tokens = &self.tokens[1..];
        }
        is
    }

    fn expect(&mut self, sign: &Token) -> Result<(), Failure> {
        if self.sign(sign) { Ok(()) } else { Err(syntax(&format!("{sign:?} is expected"))) }
    }
}

fn affix(word: &str) -> Option<fn(String) -> Test> {
    match word.to_ascii_lowercase().as_str() {
        "startswith" => Some(Test::StartsWith),
        "endswith" => Some(Test::EndsWith),
        _ => None,
    }
}

/// The operand that a path of a lambda variable names: the item itself (`None`) or a part of it.
fn item_part(variable: &str, path: &str) -> Result<Option<String>, Failure> {
    match path.strip_prefix(variable) {
        Some("") => Ok(None),
        Some(part) if part.starts_with('/') => Ok(Some(part[1..].to_owned())),
        Some(_) | None => Err(syntax(&format!("'{path}' does not begin with '{variable}'"))),
    }
}

fn syntax(what: &str) -> Failure {
    Failure::bad_request(format!("Invalid filter clause: {what}."))
}
