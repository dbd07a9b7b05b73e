//! Every example of `docs/language.md` gives what the page says.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};
use xtsync_language::filter::{self, Filter};
use xtsync_language::{AnyAttribute, Compiler, Context, Failure, Read, Run, Source, Value, function_names};

const PAGE: &str = include_str!("../../../docs/language.md");

/// The user of the page.
struct User(Map<String, Json>);

impl Source for User {
    fn read(&self, name: &str) -> Read<'_> {
        Read::Value(match self.0.get(name) {
            None | Some(Json::Null) => Value::Null,
            Some(Json::Bool(flag)) => Value::Flag(*flag),
            Some(Json::Number(number)) => Value::Integer(number.as_i64().expect("a whole number")),
            Some(Json::String(text)) => Value::Text(Cow::Borrowed(text)),
            Some(Json::Array(items)) => Value::List(items.iter().filter_map(Json::as_str).map(Cow::Borrowed).collect()),
            Some(Json::Object(_)) => panic!("{name} is no attribute"),
        })
    }
}

fn user() -> User {
    let (_, rest) = PAGE.split_once("```json").expect("the user");
    let (json, _) = rest.split_once("```").expect("its end");
    User(serde_json::from_str(json).expect("an object"))
}

fn shown(expression: &str, user: &User) -> Json {
    let mut compiler = Compiler::new(&AnyAttribute);
    if let Err(error) = compiler.add(expression) {
        panic!("{}", error.show(expression));
    }
    let (program, context) = (compiler.finish(), Context::default());
    match Run::new(&program, user, &context).evaluate(0) {
        Ok(Value::Null) => Json::Null,
        Ok(Value::Flag(flag)) => flag.into(),
        Ok(Value::Integer(number)) => number.into(),
        Ok(Value::List(items)) => json!(items),
        Ok(value) => json!(value.text()),
        Err(Failure::Ignored) => json!({"left": "as it is"}),
        Err(failure) => panic!("{expression}: {failure}"),
    }
}

/// The lines `text ⇒ value` in the blocks of a language.
fn examples(language: &str) -> Vec<(&'static str, &'static str)> {
    let blocks = PAGE.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let lines = blocks.filter(|(of, _)| *of == language).flat_map(|(_, block)| block.lines());
    lines.filter_map(|line| line.split_once(" ⇒ ")).collect()
}

#[test]
fn every_filter_lets_the_user_pass_as_the_page_says() {
    let (user, examples) = (user(), examples("filter"));
    assert!(examples.len() >= 10, "{}", examples.len());
    for (text, want) in examples {
        let filter = Filter::compile(&filter::parse(text).unwrap(), &AnyAttribute).unwrap();
        assert_eq!(filter.passes(&user).unwrap().to_string(), want, "{text}");
    }
}

#[test]
fn every_function_is_described() {
    let missing: Vec<&str> =
        function_names().filter(|name| !PAGE.contains(&format!("**{name}(")) && *name != "SelectUniqueValue").collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_example_gives_what_the_page_says() {
    let user = user();
    let examples: Vec<(&str, &str)> = examples("text");
    assert!(examples.len() > 60, "{}", examples.len());
    for (expression, want) in examples {
        let want = if want == "left as it is" { json!({"left": "as it is"}) } else { serde_json::from_str(want).expect(want) };
        assert_eq!(shown(expression, &user), want, "{expression}");
    }
}
