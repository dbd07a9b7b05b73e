//! Parses an expression: `value = call | [attribute] | "text" | number`, `call = Name(argument, …)`, where an argument is empty, a value, a
//! comparison of two values, or a word, which means something only where a parameter takes it.

use crate::error::{Code, Error};
use crate::lexer::{Token, tokens};
use crate::limits::DEPTH_MAX;
use crate::span::Span;
use crate::tree::{Comparison, Node, Tree};

/// Parses an expression.
///
/// # Errors
/// At the first place that is not as the grammar says, and if it is too long or nested too deep.
pub fn parse(text: &str) -> Result<Tree, Error> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: Span::new(text.len(), text.len()) };
    let tree = parser.value(0)?;
    match parser.peek() {
        None => Ok(tree),
        Some((Token::Sign(sign), span)) if Comparison::of(sign).is_some() => Err(Error::new(
            Code::Unexpected,
            *span,
            format!("`{sign}` compares only in a condition, as in `IIF([a] = \"b\", \"c\", \"d\")`"),
        )),
        Some((token, span)) => Err(Error::new(Code::Unexpected, *span, format!("the expression ends before {}", token.describe()))),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// The place after the text.
    end: Span,
}

impl Parser {
    fn peek(&self) -> Option<&(Token, Span)> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<(Token, Span)> {
        let next = self.tokens.get(self.at).cloned();
        self.at += usize::from(next.is_some());
        next
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some((Token::Sign(next), _)) if *next == sign)
    }

    fn value(&mut self, depth: usize) -> Result<Tree, Error> {
        let Some((token, span)) = self.next() else {
            return Err(Error::new(Code::Unexpected, self.end, "a value is missing"));
        };
        if depth > DEPTH_MAX {
            return Err(Error::new(Code::TooLarge, span, format!("it is nested deeper than {DEPTH_MAX} calls")));
        }
        match token {
            Token::Attribute(name) => Ok(Tree { node: Node::Attribute(name), span }),
            Token::Text(text) => Ok(Tree { node: Node::Text(text), span }),
            Token::Integer(number) => Ok(Tree { node: Node::Integer(number), span }),
            Token::Name(name) if self.is_sign("(") => self.call(name, span, depth),
            Token::Name(name) => Err(word_alone(&name, span)),
            sign @ Token::Sign(_) => Err(Error::new(Code::Unexpected, span, format!("a value is missing before {}", sign.describe()))),
        }
    }

    fn call(&mut self, name: String, name_span: Span, depth: usize) -> Result<Tree, Error> {
        let open = self.next().map_or(self.end, |(_, span)| span);
        let mut arguments = Vec::new();
        loop {
            let argument = match self.is_sign(",") || self.is_sign(")") {
                true => None,
                false => Some(self.argument(depth + 1, open)?),
            };
            match self.next() {
                Some((Token::Sign(","), _)) => arguments.push(argument),
                Some((Token::Sign(")"), close)) => {
                    // Brackets with nothing between them have no argument, and not one that is empty.
                    if argument.is_some() || !arguments.is_empty() {
                        arguments.push(argument);
                    }
                    return Ok(Tree { node: Node::Call { name, name_span, arguments }, span: name_span.to(close) });
                }
                Some((token, span)) => {
                    return Err(Error::new(Code::Unexpected, span, format!("`,` or `)` is missing before {}", token.describe())));
                }
                None => return Err(unclosed(open)),
            }
        }
    }

    fn argument(&mut self, depth: usize, open: Span) -> Result<Tree, Error> {
        if self.peek().is_none() {
            return Err(unclosed(open));
        }
        if let Some(word) = self.word() {
            return Ok(word);
        }
        let left = self.value(depth)?;
        let Some(comparison) = self.comparison() else { return Ok(left) };
        self.at += 1;
        let right = self.value(depth)?;
        let span = left.span.to(right.span);
        Ok(Tree { node: Node::Compare { comparison, left: Box::new(left), right: Box::new(right) }, span })
    }

    /// A name that is the whole argument.
    fn word(&mut self) -> Option<Tree> {
        let (Some((Token::Name(name), span)), Some((Token::Sign("," | ")"), _))) = (self.tokens.get(self.at), self.tokens.get(self.at + 1))
        else {
            return None;
        };
        let word = Tree { node: Node::Word(name.clone()), span: *span };
        self.at += 1;
        Some(word)
    }

    fn comparison(&self) -> Option<Comparison> {
        match self.peek()? {
            (Token::Sign(sign), _) => Comparison::of(sign),
            _ => None,
        }
    }
}

/// The error of a word where a value is needed.
pub(crate) fn word_alone(word: &str, span: Span) -> Error {
    let message = format!("`{word}` is neither a function with its arguments nor a value");
    Error::new(Code::Unexpected, span, message).hint(Some(format!("[{word}]")))
}

fn unclosed(open: Span) -> Error {
    Error::new(Code::Unterminated, open, "the bracket that opens here is not closed")
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
    fn an_expression_reads_back_as_the_same_tree() {
        for (text, want) in [
            ("Append([a],\".test\")", "Append([a], \".test\")"),
            ("Replace([a], , \"x\\\\d\", , \"y\" , , )", "Replace([a], , \"x\\\\d\", , \"y\", , )"),
            ("IIF([a]=\"x\",Guid( ),&HF)", "IIF([a] = \"x\", Guid(), 15)"),
            (" [ a ] ", "[a]"),
            ("F(,)", "F(, )"),
            ("F(vbTextCompare ,x)", "F(vbTextCompare, x)"),
        ] {
            assert_eq!(show(text), want, "{text}");
            assert_eq!(parse(want), parse(text));
        }
    }

    #[test]
    fn what_is_not_grammar_is_said_with_its_place() {
        for (text, want) in [
            ("", "unexpected at 0: a value is missing"),
            ("Join", "unexpected at 0: `Join` is neither a function with its arguments nor a value, did you mean `[Join]`?"),
            ("F(x = 1)", "unexpected at 2: `x` is neither a function with its arguments nor a value, did you mean `[x]`?"),
            ("Join([a]", "unterminated at 4: the bracket that opens here is not closed"),
            ("Join([a], ", "unterminated at 4: the bracket that opens here is not closed"),
            ("Join([a] [b])", "unexpected at 9: `,` or `)` is missing before `[b]`"),
            ("Join([a])x", "unexpected at 9: the expression ends before `x`"),
            ("[a]=[b]", "unexpected at 3: `=` compares only in a condition, as in `IIF([a] = \"b\", \"c\", \"d\")`"),
            ("F([a]=)", "unexpected at 6: a value is missing before `)`"),
            ("F([a]=[b]=[c])", "unexpected at 9: `,` or `)` is missing before `=`"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
        let deep = format!("{}1{}", "A(".repeat(100), ")".repeat(100));
        assert_eq!(show(&deep), "too_large at 130: it is nested deeper than 64 calls");
    }
}
