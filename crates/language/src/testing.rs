//! What tests of functions share: a user, and a check of expressions against values.

use std::borrow::Cow;

use crate::date::DateTime;
use crate::{AnyAttribute, Compiler, Context, Read, Run, Source, Value};

/// A user without attributes.
pub(crate) use crate::evaluate::NoAttributes as NoUser;

/// A user with one attribute of each kind: `name` is "ana", `count` is 3, `flag` is true, `list` is b, a, b, `none` is empty.
struct User;

impl Source for User {
    fn read(&self, name: &str) -> Read<'_> {
        Read::Value(match name {
            "name" => "ana".into(),
            "empty" => "".into(),
            "count" => 3_i64.into(),
            "flag" => true.into(),
            "list" => Value::List(["b", "a", "b"].map(Cow::Borrowed).to_vec()),
            "reference" => Value::Reference(Cow::Borrowed("cn=Joe,dc=contoso,dc=com")),
            "unread" => return Read::Unread,
            other => other.strip_prefix("text:").map_or(Value::Null, |text| text.to_owned().into()),
        })
    }
}

/// Checks what expressions give, each as [`show`] writes it. An attribute `[text:…]` holds the text that it names.
pub(crate) fn check(cases: &[(&str, &str)]) {
    for (expression, want) in cases {
        assert_eq!(show(expression), *want, "{expression}");
    }
}

/// What an expression gives for that user: a text in quotes, a list in brackets, or the code of the error or failure.
pub(crate) fn show(expression: &str) -> String {
    let mut compiler = Compiler::new(&AnyAttribute);
    if let Err(error) = compiler.add(expression) {
        return format!("refused {}: {error}", error.code.name());
    }
    let program = compiler.finish();
    let context = Context {
        now: DateTime::parse("2021-07-02T15:33:38Z").unwrap_or_default(),
        default_domain: Some("hub.example".to_owned()),
        seed: [7; 32],
        ..Context::default()
    };
    match Run::new(&program, &User, &context).evaluate(0) {
        Ok(Value::Null) => "null".to_owned(),
        Ok(Value::List(items)) => format!("{items:?}"),
        Ok(Value::Integer(number)) => number.to_string(),
        Ok(Value::Flag(flag)) => flag.to_string(),
        Ok(value) => format!("{:?}", value.text().unwrap_or_default()),
        Err(failure) => format!("failed {}", failure.code()),
    }
}
