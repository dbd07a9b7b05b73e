//! Values and their kinds.

use std::borrow::Cow;

use crate::date::DateTime;

/// A value while an expression is evaluated. It borrows from the attributes and the program where it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Read and found empty, or the result of a function that has none.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A truth value.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A moment.
    Time(DateTime),
    /// Several texts, in order.
    List(Vec<Cow<'a, str>>),
    /// A reference to another object, by its name or id.
    Reference(Cow<'a, str>),
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A text.
    Text,
    /// A truth value.
    Flag,
    /// A whole number.
    Integer,
    /// A moment.
    Time,
    /// Several texts.
    List,
    /// A reference to another object.
    Reference,
    /// Known only when it is evaluated.
    Any,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "a truth value",
            Self::Integer => "a whole number",
            Self::Time => "a moment",
            Self::List => "a list of texts",
            Self::Reference => "a reference",
            Self::Any => "a value",
        }
    }
}

impl<'a> Value<'a> {
    /// Whether there is none, or only an empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Flag(_) | Self::Integer(_) | Self::Time(_) | Self::Reference(_) => false,
        }
    }

    /// The value as a text: a flag is `True` or `False`, a moment is written `M/d/yyyy h:mm:ss tt`. `None` of nothing and of a list.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Null | Self::List(_) => None,
            Self::Text(text) | Self::Reference(text) => Some(text),
            Self::Flag(flag) => Some(Cow::Borrowed(if flag { "True" } else { "False" })),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Time(time) => Some(Cow::Owned(time.to_string())),
        }
    }

    /// What it is; `None` of nothing.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Null => None,
            Self::Text(_) => Some(Kind::Text),
            Self::Flag(_) => Some(Kind::Flag),
            Self::Integer(_) => Some(Kind::Integer),
            Self::Time(_) => Some(Kind::Time),
            Self::List(_) => Some(Kind::List),
            Self::Reference(_) => Some(Kind::Reference),
        }
    }

    /// The same without anything borrowed.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Flag(flag) => Value::Flag(flag),
            Self::Integer(number) => Value::Integer(number),
            Self::Time(time) => Value::Time(time),
            Self::List(items) => Value::List(items.into_iter().map(|item| Cow::Owned(item.into_owned())).collect()),
            Self::Reference(text) => Value::Reference(Cow::Owned(text.into_owned())),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}
