//! Users and expressions of chance.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;

use super::ALL;
use crate::date::DateTime;
use crate::function::{Accepts, Parameter};
use crate::{Read, Source, Value};

/// Attributes: `a0` to `a2` mostly texts, `a3` mostly a number, `a4` mostly a list, `a5` anything.
#[derive(Debug, Clone)]
pub(super) struct User(Vec<Option<Value<'static>>>);

impl Source for User {
    fn read(&self, name: &str) -> Read<'_> {
        let number = name.trim_start_matches('a').parse::<usize>().unwrap_or(usize::MAX);
        match self.0.get(number) {
            Some(Some(value)) => Read::Value(value.clone()),
            Some(None) => Read::Unread,
            None => Read::Value(Value::Null),
        }
    }
}

pub(super) fn user() -> impl Strategy<Value = User> {
    let texts = vec(prop_oneof![9 => text().prop_map(Value::from), 1 => value()], 3);
    let number = prop_oneof![9 => number().prop_map(Value::from), 1 => value()];
    let list = prop_oneof![9 => list(), 1 => value()];
    let values = (texts, number, list, value()).prop_map(|(texts, number, list, any)| [texts, vec![number, list, any]].concat());
    // One in thirty is not read.
    (values, vec(0_u8..30, 6))
        .prop_map(|(values, drawn)| User(values.into_iter().zip(drawn).map(|(value, drawn)| (drawn > 0).then_some(value)).collect()))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,12}",
        2 => "[aeiouxAIßıİłøœǆΣй\u{301}\u{304}\u{0}\n '\"()<>,.$-]{0,16}",
        2 => "[😀𝒳é\u{1F469}\u{200D}が한שׁ]{0,6}",
        3 => "[ab1()\\[\\]{}?*+|^$.\\\\d<>,:-]{0,10}",
        1 => "(True|false|-?[0-9]{1,20}|tr-TR|vbTextCompare|d|\\$\\{a\\}|2020-03-16-07:00|[(][?]<a>.[)])",
        1 => ("[ab,é😀 \n\u{301}]{1,3}", 1_usize..3000).prop_map(|(unit, times)| unit.repeat(times)),
    ]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![6 => -3_i64..12, 1 => any::<i64>(), 1 => Just(i64::MIN + 1), 1 => Just(i64::MAX)]
}

fn list() -> impl Strategy<Value = Value<'static>> {
    vec(text(), 0..5).prop_map(|items| Value::List(items.into_iter().map(Cow::Owned).collect()))
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        2 => Just(Value::Null),
        3 => text().prop_map(Value::from),
        2 => number().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Time(DateTime::default())),
        1 => list(),
        1 => text().prop_map(|text| Value::Reference(Cow::Owned(text))),
    ]
}

/// What one choice of the writer is drawn from.
#[derive(Debug, Clone)]
struct Draw {
    choice: usize,
    text: String,
    number: i64,
}

fn draw() -> impl Strategy<Value = Draw> {
    (any::<u16>(), text(), number()).prop_map(|(choice, text, number)| Draw { choice: choice.into(), text, number })
}

/// Writes expressions that fit the table, but for a few, and stops where the draws end.
struct Writer(std::vec::IntoIter<Draw>);

impl Writer {
    fn call(&mut self, depth: usize) -> String {
        let Some(draw) = self.0.next() else { return "[a0]".to_owned() };
        let function = ALL[draw.choice % ALL.len()];
        let groups = draw.choice / ALL.len() % 3;
        // Some arguments are left empty together, so that each way of `Replace` comes.
        let empty = [0, 0b110_1100, 0b011_1100, 0b110_1010, 0b110_0010, 0b101_0010][draw.text.len() % 6];
        let arguments = (0..function.parameters.len() + groups * function.repeated).map(|at| match function.parameter(at) {
            Some(parameter) if parameter.is_optional && empty >> at & 1 == 1 => String::new(),
            Some(parameter) => self.argument(parameter, depth),
            None => String::new(),
        });
        format!("{}({})", function.name, arguments.collect::<Vec<_>>().join(", "))
    }

    fn argument(&mut self, parameter: &Parameter, depth: usize) -> String {
        let Some(draw) = self.0.next() else { return "[a0]".to_owned() };
        let (choice, pick) = (draw.choice % 8, draw.choice / 8);
        match (parameter.accepts, choice) {
            (_, 0) => format!("[a{}]", pick % 7),
            (Accepts::Any | Accepts::Text | Accepts::List | Accepts::Condition, 1 | 2) if depth < 3 => self.call(depth + 1),
            (Accepts::Word(words), _) => words[pick % words.len()].to_owned(),
            (Accepts::Condition, 3..=6) => format!("[a{}] {} {}", pick % 6, ["=", "<>", "<=", ">"][pick % 4], quoted(&draw.text)),
            (Accepts::Integer, 1 | 2) => "[a3]".to_owned(),
            (Accepts::Integer, _) if parameter.name == "length" => draw.number.rem_euclid(280).to_string(),
            (Accepts::Integer, _) if parameter.name.starts_with("minimum") => draw.number.rem_euclid(8).to_string(),
            (Accepts::Integer, _) => draw.number.to_string(),
            (Accepts::List, _) => "[a4]".to_owned(),
            (Accepts::Text | Accepts::Any | Accepts::Time, 3..=5) => format!("[a{}]", pick % 3),
            (Accepts::Text | Accepts::Any | Accepts::Time | Accepts::Condition, _) => quoted(&draw.text),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().take(200).collect::<String>().replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn expression() -> impl Strategy<Value = String> {
    vec(draw(), 40).prop_map(|draws| Writer(draws.into_iter()).call(0))
}
