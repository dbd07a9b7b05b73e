//! What is known of one user attribute, and what can be said of a mapping to it.

use crate::Value;

/// What is known of one user attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Microsoft Graph's name of it.
    pub name: &'a str,
    /// What it holds.
    pub value_type: ValueType,
    /// Whether a mapping may read it from a source.
    pub source: bool,
    /// Whether a mapping may write it in a target.
    pub target: Target,
    /// What is written to it where the configuration says nothing.
    pub default: ByDefault,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A text.
    Text,
    /// Several texts.
    Texts,
    /// A truth value.
    Flag,
    /// A whole number.
    Number,
    /// A moment.
    Time,
    /// What no mapping can carry.
    Other,
    /// What is known once the directory's extensions are read.
    Unread,
}

/// Whether a mapping may write an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Written and cleared.
    Clearable,
    /// Written, but the directory does not let it be emptied: a source that emptied it changes nothing.
    Required,
    /// Never, and why.
    Never(&'static str),
}

impl Target {
    /// Whether a mapping may write it.
    #[must_use]
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Clearable | Self::Required)
    }
}

/// What is written to an attribute where the configuration says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByDefault {
    /// The source's attribute of the same name.
    Direct,
    /// A constant, at creation only.
    OnCreate(&'static str),
    /// Nothing.
    Unmapped,
}

impl ValueType {
    /// Whether an attribute of this type can hold a value; each can be empty.
    #[must_use]
    pub fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null)
            | (Self::Text, Value::Text(_))
            | (Self::Texts, Value::Texts(_))
            | (Self::Flag, Value::Flag(_))
            | (Self::Number, Value::Number(_))
            | (Self::Time, Value::Time(_))
            | (Self::Other, _) => true,
            (Self::Text | Self::Texts | Self::Flag | Self::Number | Self::Time | Self::Unread, _) => false,
        }
    }

    /// A constant as a value of this type; `None` where no text can be one.
    #[must_use]
    pub fn constant(self, text: &str) -> Option<Value> {
        match self {
            Self::Text if !text.is_empty() => Some(text.into()),
            Self::Text | Self::Texts | Self::Flag | Self::Number | Self::Time | Self::Other | Self::Unread => None,
        }
    }
}
