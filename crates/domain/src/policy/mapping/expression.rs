//! What expressions read of a user, and what their values become in a target attribute.

use std::borrow::Cow;

use xtsync_language::date::DateTime;
use xtsync_language::{Compiler, Error, Failure, Kind, Read, Source, Value as Evaluated};

use super::Invalid;
use super::attribute::ValueType;
use super::table::AttributeTable;
use crate::{Attributes, Timestamp, Value};

/// Checks an expression over a source's attributes for a target attribute that holds such values. Before the source's extensions were read,
/// each name of one may hold anything.
///
/// # Errors
/// Why it is none, with the place in its text; and what it gives, where that does not fit.
pub fn checked(text: &str, target: ValueType, source: &AttributeTable<'_>) -> Result<Option<Kind>, Error> {
    let mut compiler = Compiler::new(source.schema());
    let number = compiler.add(text)?;
    let kind = compiler.finish().kind(number).unwrap_or(Kind::Any);
    let fits = match (target, kind) {
        (_, Kind::Any) | (ValueType::Texts | ValueType::Unread, _) => true,
        (ValueType::Text, kind) => kind != Kind::List,
        (ValueType::Flag, kind) => matches!(kind, Kind::Flag | Kind::Text),
        (ValueType::Number, kind) => matches!(kind, Kind::Integer | Kind::Text),
        (ValueType::Time, kind) => matches!(kind, Kind::Time | Kind::Text),
        (ValueType::Other, _) => false,
    };
    Ok((!fits).then_some(kind))
}

/// A user's attributes, as expressions and filters read them. What was not read has no value that could be taken for empty.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a>(pub &'a Attributes);

impl<'a> Known<'a> {
    /// The value of an attribute.
    #[must_use]
    pub fn value(self, name: &str) -> Read<'a> {
        Read::Value(match self.0.get(name) {
            None => return Read::Unread,
            Some(Value::Null | Value::Binary(_)) => Evaluated::Null,
            Some(Value::Text(text)) => Evaluated::Text(Cow::Borrowed(text)),
            Some(Value::Flag(flag)) => Evaluated::Flag(*flag),
            Some(Value::Number(number)) => Evaluated::Integer(*number),
            Some(Value::Texts(texts)) => Evaluated::List(texts.iter().map(|text| Cow::Borrowed(text.as_str())).collect()),
            Some(Value::Time(time)) => DateTime::from_unix_micros(time.0).map_or(Evaluated::Null, Evaluated::Time),
            Some(Value::Reference(reference)) => Evaluated::Reference(Cow::Borrowed(reference.user.as_str())),
        })
    }
}

impl Source for Known<'_> {
    fn read(&self, name: &str) -> Read<'_> {
        self.value(name)
    }
}

/// What an expression gave, as a value of a target attribute; `None` where it is left as it is. An empty text is no value.
pub(super) fn converted(evaluated: Result<Evaluated<'_>, Failure>, value_type: ValueType, target: &str) -> Result<Option<Value>, Invalid> {
    let invalid = |code| Invalid { attribute: target.to_owned(), code };
    let value = match evaluated {
        Err(Failure::Ignored | Failure::Unread(_)) => return Ok(None),
        Err(failure) => return Err(invalid(failure.code())),
        Ok(value) if value.is_empty() => return Ok(Some(Value::Null)),
        Ok(value) => value,
    };
    let converted = match (value_type, value) {
        (ValueType::Texts, Evaluated::List(items)) => Some(Value::Texts(items.into_iter().map(Cow::into_owned).collect())),
        (ValueType::Texts, value) => value.text().map(|text| Value::Texts(vec![text.into_owned()])),
        (ValueType::Text, value) => value.text().map(|text| Value::Text(text.into_owned())),
        (ValueType::Flag, Evaluated::Flag(flag)) => Some(Value::Flag(flag)),
        (ValueType::Flag, value) => value.text().and_then(|text| text.to_lowercase().parse().ok()).map(Value::Flag),
        (ValueType::Number, Evaluated::Integer(number)) => Some(Value::Number(number)),
        (ValueType::Number, value) => value.text().and_then(|text| text.trim().parse().ok()).map(Value::Number),
        (ValueType::Time, Evaluated::Time(time)) => Some(Value::Time(Timestamp(time.to_unix_micros()))),
        (ValueType::Time, value) => {
            value.text().and_then(|text| DateTime::parse(&text)).map(|time| Value::Time(Timestamp(time.to_unix_micros())))
        }
        (ValueType::Other | ValueType::Unread, _) => None,
    };
    converted.map(Some).ok_or_else(|| invalid("wrong_type"))
}
