//! Whatever text is given: an error or a tree that reads back, and never a panic.

use proptest::prelude::*;
use xtsync_language::{AnyAttribute, Compiler, Context, Read, Run, Source, Value, filter, parse};

struct Nothing;

impl Source for Nothing {
    fn read(&self, _: &str) -> Read<'_> {
        Read::Value(Value::Null)
    }
}

/// Texts of the words and signs of the languages, in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("Join"),
        Just("IIF"),
        Just("Append"),
        Just("Unknown"),
        Just("("),
        Just(")"),
        Just(","),
        Just(" "),
        Just("[a]"),
        Just("["),
        Just("]"),
        Just("\"x\""),
        Just("\""),
        Just("\\"),
        Just("="),
        Just("<>"),
        Just(">="),
        Just("-1"),
        Just("&HF"),
        Just("&"),
        Just("!&"),
        Just("AND"),
        Just("OR"),
        Just("NOT"),
        Just("EQUALS"),
        Just("REGEX"),
        Just("MATCH"),
        Just("IS"),
        Just("NULL"),
        Just("TRUE"),
        Just("é"),
        Just("😀"),
        Just("\u{0}"),
        Just("\n"),
        Just("99999999999999999999"),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn an_expression_is_refused_or_reads_back(text in prop_oneof![words(), any::<String>()]) {
        if let Ok(tree) = parse(&text) {
            prop_assert_eq!(parse(&tree.to_string()), Ok(tree));
        }
        let mut compiler = Compiler::new(&AnyAttribute);
        match compiler.add(&text) {
            Ok(expression) => {
                let (program, context) = (compiler.finish(), Context::default());
                let _ = Run::new(&program, &Nothing, &context).evaluate(expression);
            }
            Err(error) => prop_assert!(error.show(&text).lines().count() >= 3),
        }
    }

    #[test]
    fn a_filter_is_refused_or_reads_back(text in prop_oneof![words(), any::<String>()]) {
        let Ok(tree) = filter::parse(&text) else { return Ok(()) };
        prop_assert_eq!(filter::parse(&tree.to_string()), Ok(tree.clone()));
        if let Ok(filter) = filter::Filter::compile(&tree, &AnyAttribute) {
            let _ = filter.passes(&Nothing);
        }
    }
}
