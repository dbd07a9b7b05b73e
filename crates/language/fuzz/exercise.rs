//! What fuzzing and the tests do with an input: text of an expression or filter, and values of attributes behind it, each after U+0001.
//!
//! The attributes are named `a0`, `a1` and so on. A value that begins with `[` is a list of its letters, one of digits a number, an empty one is not
//! read.

use std::borrow::Cow;

use xtsync_language::filter::{self, Filter};
use xtsync_language::limits::{LIST_MAX, TEXT_MAX};
use xtsync_language::{AnyAttribute, Compiler, Context, Read, Run, Source, Value, explain, parse};

/// What stands before each value.
const BEFORE_VALUE: char = '\u{1}';

/// A user with these values.
struct User<'a>(Vec<&'a str>);

impl Source for User<'_> {
    fn read(&self, name: &str) -> Read<'_> {
        let number = name.strip_prefix('a').and_then(|number| number.parse::<usize>().ok());
        Read::Value(match number.and_then(|number| self.0.get(number)).copied() {
            None => Value::Null,
            Some("") => return Read::Unread,
            Some("true") => Value::Flag(true),
            Some(text) => match (text.strip_prefix('['), text.parse::<i64>()) {
                (Some(items), _) => Value::List(items.split("").map(Cow::Borrowed).collect()),
                (None, Ok(number)) => Value::Integer(number),
                (None, Err(_)) => Value::Text(Cow::Borrowed(text)),
            },
        })
    }
}

fn split(input: &str) -> (&str, User<'_>) {
    let mut parts = input.split(BEFORE_VALUE);
    (parts.next().unwrap_or_default(), User(parts.collect()))
}

/// Parses, writes, compiles, evaluates and explains an expression.
///
/// # Panics
/// If the text that is written reads back as another tree, or the same evaluation gives another value or one that is too large.
pub(crate) fn expression(input: &str) {
    let (text, user) = split(input);
    let Ok(tree) = parse(text) else { return };
    assert_eq!(parse(&tree.to_string()).as_ref(), Ok(&tree));
    let mut compiler = Compiler::unrestricted(&AnyAttribute);
    let Ok(number) = compiler.add(text) else { return };
    let (program, context) = (compiler.finish(), Context::default());
    let evaluated = Run::new(&program, &user, &context).evaluate(number).map(Value::into_owned);
    match &evaluated {
        Ok(Value::Text(text)) => assert!(text.len() <= TEXT_MAX),
        Ok(Value::List(items)) => assert!(items.len() <= LIST_MAX),
        Ok(_) | Err(_) => {}
    }
    assert_eq!(explain(&program, number, &user, &context).value, Some(evaluated));
}

/// Parses, writes, compiles, evaluates and explains a filter.
///
/// # Panics
/// As [`expression`].
pub(crate) fn filter(input: &str) {
    let (text, user) = split(input);
    let Ok(tree) = filter::parse(text) else { return };
    assert_eq!(filter::parse(&tree.to_string()).as_ref(), Ok(&tree));
    let Ok(filter) = Filter::compile(&tree, &AnyAttribute) else { return };
    let passes = filter.passes(&user).map_err(|unknown| unknown.failure).map(Value::Flag);
    assert_eq!(filter::explain(&tree, &AnyAttribute, &user).map(|explained| explained.value), Ok(Some(passes)));
}
