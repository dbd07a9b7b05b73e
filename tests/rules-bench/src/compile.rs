//! `compile_us`: how long an expression of 500 characters takes to compile.

use xtsync_domain::mapping::AttributeTable;
use xtsync_language::Compiler;

use crate::timing::alone;
use crate::{Goal, Measured};

pub(crate) fn measure() -> Vec<Measured> {
    let (text, table) = (expression(), AttributeTable::default());
    let compiles = alone(|| {
        let mut compiler = Compiler::new(&table);
        compiler.add(&text).expect("it is an expression");
        compiler.finish()
    });
    vec![Measured {
        name: "compile_us",
        value: 1e6 / compiles,
        unit: "µs",
        against: None,
        goal: Some(Goal::AtMost(50.0)),
        conditions: format!("an expression of {} characters, no regular expression", text.chars().count()),
    }]
}

/// Nested calls of many functions, 500 characters long.
fn expression() -> String {
    let call =
        r#"IIF([country] = "USA", Switch([state], Join(", ", [surname], [givenName]), "CA", ToUpper([city]), "WA", PCase([city])), "#;
    let mut text = call.repeat(3);
    text.push_str("Coalesce([department], \"");
    text.push_str(&"x".repeat(500_usize.saturating_sub(text.chars().count() + 5)));
    text.push_str("\"))))");
    text
}
