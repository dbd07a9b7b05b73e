//! Says how an expression came to its value: each part with what it gave.

use std::fmt;

use crate::evaluate::{Context, Failure, Run, Source};
use crate::functions::REDACT;
use crate::lexer::quoted;
use crate::program::{NodeId, Op, Program};
use crate::span::Span;
use crate::value::Value;

/// A part of an expression and what it gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The part, as canonical text.
    pub text: String,
    /// Where it is written in the first expression of the program that says it.
    pub span: Span,
    /// What it gave; `None` where it was not evaluated.
    pub value: Option<Result<Value<'static>, Failure>>,
    /// Whether the value is not to be shown: `Redact` or a sensitive attribute is in it, or `Redact` is around it.
    pub is_redacted: bool,
    /// The parts of it, in the order in which they are written. Constants are left out.
    pub parts: Vec<Self>,
}

/// Evaluates an expression of a program, by its number, and says what each part gave.
///
/// # Panics
/// If the program has no such expression.
#[must_use]
pub fn explain(program: &Program, expression: usize, source: &dyn Source, context: &Context) -> Explained {
    let run = Run::observed(program, source, context);
    // What matters is which parts it evaluates.
    let _ = run.evaluate(expression);
    let visited = Run::new(program, source, context);
    explained(program, program.roots[expression], false, source, &run, &visited)
}

fn explained(program: &Program, id: NodeId, is_within: bool, source: &dyn Source, run: &Run<'_>, again: &Run<'_>) -> Explained {
    let op = &program.node(id).op;
    let is_within = is_within
        || match op {
            Op::Call(call) => call.function.name == REDACT.name,
            Op::Attribute(number) => program.attributes.get(*number as usize).is_some_and(|name| source.is_sensitive(name)),
            Op::Constant(_) | Op::Compare { .. } => false,
        };
    let parts = program.children(id).into_iter().filter(|child| !is_constant(program, *child));
    let parts: Vec<Explained> = parts.map(|child| explained(program, child, is_within, source, run, again)).collect();
    let value = run.has_visited(id).then(|| {
        again.restart();
        again.value(id).map(Value::into_owned)
    });
    let (text, span) = (Text { program, id }.to_string(), program.node(id).span);
    Explained { text, span, value, is_redacted: is_within || parts.iter().any(|part| part.is_redacted), parts }
}

fn is_constant(program: &Program, id: NodeId) -> bool {
    matches!(program.node(id).op, Op::Constant(_))
}

/// A part as canonical text.
struct Text<'p> {
    program: &'p Program,
    id: NodeId,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |id| Text { program: self.program, id };
        match &self.program.node(self.id).op {
            Op::Constant(value) => constant(f, value),
            Op::Attribute(number) => write!(f, "[{}]", self.program.attributes[*number as usize]),
            Op::Compare { comparison, left, right } => write!(f, "{} {} {}", part(*left), comparison.sign(), part(*right)),
            Op::Call(call)
                if call.function.name == REDACT.name && call.arguments.iter().flatten().all(|id| is_constant(self.program, *id)) =>
            {
                f.write_str("Redact(…)")
            }
            Op::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (at, argument) in call.arguments.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    argument.map_or(Ok(()), |argument| part(argument).fmt(f))?;
                }
                f.write_str(")")
            }
        }
    }
}

fn constant(f: &mut fmt::Formatter<'_>, value: &Value<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Integer(number) => write!(f, "{number}"),
        Value::Flag(flag) => write!(f, "{flag}"),
        Value::List(items) => write!(f, "{items:?}"),
        Value::Text(text) | Value::Reference(text) => f.write_str(&quoted(text)),
        Value::Time(time) => write!(f, "\"{time}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{AnyAttribute, Compiler};
    use crate::evaluate::Read;

    struct Ana;

    impl Source for Ana {
        fn read(&self, name: &str) -> Read<'_> {
            match name {
                "givenName" => Read::Value("Ana".into()),
                "country" => Read::Value("ES".into()),
                "surname" => Read::Unread,
                _ => Read::Value(Value::Null),
            }
        }
    }

    fn show(part: &Explained, depth: usize) -> String {
        let value = match &part.value {
            None => "not evaluated".to_owned(),
            Some(Ok(_)) if part.is_redacted => "redacted".to_owned(),
            Some(Ok(value)) => format!("{:?}", value.clone().text().unwrap_or_default()),
            Some(Err(failure)) => failure.to_string(),
        };
        let parts: String = part.parts.iter().map(|part| show(part, depth + 1)).collect();
        format!("{}{} → {value}\n{parts}", "  ".repeat(depth), part.text)
    }

    #[test]
    fn every_part_is_shown_with_its_value_and_what_was_not_needed_without_one() {
        let mut compiler = Compiler::new(&AnyAttribute);
        compiler.add(r#"IIF([country] = "ES", Append([givenName], "!"), Join(" ", [givenName], [surname]))"#).unwrap();
        let shown = show(&explain(&compiler.finish(), 0, &Ana, &Context::default()), 0);
        let want = r#"IIF([country] = "ES", Append([givenName], "!"), Join(" ", [givenName], [surname])) → "Ana!"
  [country] = "ES" → "True"
    [country] → "ES"
  Append([givenName], "!") → "Ana!"
    [givenName] → "Ana"
  Join(" ", [givenName], [surname]) → not evaluated
    [givenName] → "Ana"
    [surname] → not evaluated
"#;
        assert_eq!(shown, want);
    }

    #[test]
    fn what_is_redacted_is_not_shown_anywhere_above_or_below() {
        let mut compiler = Compiler::new(&AnyAttribute);
        compiler.add(r#"Join("", Append(Redact(Append([givenName], "!")), "?"), [country])"#).unwrap();
        let shown = show(&explain(&compiler.finish(), 0, &Ana, &Context::default()), 0);
        let want = r#"Join("", Append(Redact(Append([givenName], "!")), "?"), [country]) → redacted
  Append(Redact(Append([givenName], "!")), "?") → redacted
    Redact(Append([givenName], "!")) → redacted
      Append([givenName], "!") → redacted
        [givenName] → redacted
  [country] → "ES"
"#;
        assert_eq!(shown, want);
    }
}
