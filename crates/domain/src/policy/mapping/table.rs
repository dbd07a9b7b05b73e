//! What mappings know of the attributes of one directory: the rows of the table, and the directory's extensions.

use xtsync_language::{Kind, Schema};

use super::attribute::{Attribute, ByDefault, Target, ValueType};
use super::attributes::{attribute, known};
use crate::extension::{DataType, Extension, is_anchor, is_extension};
use crate::resource::DirectoryExtensions;

/// The attributes of the users of one directory. It is also what expressions may read of a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttributeTable<'a> {
    /// None before they were read.
    extensions: Option<&'a DirectoryExtensions>,
}

/// The attributes of both directories between which is mapped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tables<'a> {
    /// Of the source.
    pub source: AttributeTable<'a>,
    /// Of the target.
    pub target: AttributeTable<'a>,
}

/// A schema for expressions whose source's extensions are not read yet: each name of one may hold anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyExtension;

impl<'a> AttributeTable<'a> {
    /// The table with a directory's extensions; none where they were not read.
    #[must_use]
    pub fn new(extensions: Option<&'a DirectoryExtensions>) -> Self {
        Self { extensions }
    }

    /// The attribute of a name, if there is one. An extension holds [`ValueType::Unread`] before extensions were read.
    #[must_use]
    pub fn attribute<'n>(&self, name: &'n str) -> Option<Attribute<'n>> {
        match (attribute(name), self.extensions) {
            (Some(known), _) => Some(*known),
            (None, _) if !is_extension(name) => None,
            (None, None) => Some(extension(name, ValueType::Unread, None)),
            (None, Some(extensions)) => {
                let (value_type, never) = held(name, extensions.users.0.get(name)?);
                Some(extension(name, value_type, never))
            }
        }
    }

    /// Whether a mapping may write an attribute; one of an extension that was not read yet may be.
    #[must_use]
    pub fn is_writable(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|attribute| attribute.target.is_writable())
    }

    /// What expressions and filters may read. Before extensions were read, a name of one may hold anything.
    #[must_use]
    pub fn schema(&self) -> &dyn Schema {
        if self.is_unread() { &AnyExtension } else { self }
    }

    /// Whether the directory's extensions were not read yet.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.extensions.is_none()
    }

    /// Whether the directory had that extension and has it no more.
    #[must_use]
    pub fn is_gone(&self, name: &str) -> bool {
        self.extensions.is_some_and(|extensions| extensions.gone.contains(name))
    }

    /// The names of the extensions.
    pub fn extensions(&self) -> impl Iterator<Item = &'a str> {
        self.extensions.into_iter().flat_map(|extensions| extensions.users.0.keys().map(String::as_str))
    }
}

fn extension<'n>(name: &'n str, value_type: ValueType, never: Option<&'static str>) -> Attribute<'n> {
    let target = never.map_or(Target::Clearable, Target::Never);
    Attribute { name, value_type, source: never.is_none(), target, default: ByDefault::Unmapped }
}

/// What an extension holds for mappings, and why they neither read nor write it.
fn held(name: &str, extension: &Extension) -> (ValueType, Option<&'static str>) {
    match (extension.data_type, extension.is_multi_valued) {
        _ if is_anchor(name) => (ValueType::Other, Some("xtsync keeps in it which user an object is")),
        (DataType::Binary, _) => (ValueType::Other, Some("no mapping carries bytes")),
        (DataType::Other, _) => (ValueType::Other, Some("no mapping carries values of its type")),
        (DataType::String, true) => (ValueType::Texts, None),
        (DataType::Boolean | DataType::DateTime | DataType::Integer | DataType::LargeInteger, true) => {
            (ValueType::Other, Some("no mapping carries several values that are no texts"))
        }
        (DataType::String, false) => (ValueType::Text, None),
        (DataType::Boolean, false) => (ValueType::Flag, None),
        (DataType::DateTime, false) => (ValueType::Time, None),
        (DataType::Integer | DataType::LargeInteger, false) => (ValueType::Number, None),
    }
}

impl Schema for AttributeTable<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let attribute = self.attribute(name).filter(|attribute| attribute.source)?;
        match attribute.value_type {
            ValueType::Text => Some(Kind::Text),
            ValueType::Texts => Some(Kind::List),
            ValueType::Flag => Some(Kind::Flag),
            ValueType::Number => Some(Kind::Integer),
            ValueType::Time => Some(Kind::Time),
            ValueType::Other | ValueType::Unread => None,
        }
    }

    fn names(&self) -> Vec<&str> {
        let known = known().iter().filter(|attribute| attribute.source).map(|attribute| attribute.name);
        known.chain(self.extensions().filter(|name| self.attribute(name).is_some_and(|attribute| attribute.source))).collect()
    }
}

impl Schema for AnyExtension {
    fn kind(&self, name: &str) -> Option<Kind> {
        AttributeTable::default().kind(name).or_else(|| is_extension(name).then_some(Kind::Any))
    }

    fn names(&self) -> Vec<&str> {
        known().iter().filter(|attribute| attribute.source).map(|attribute| attribute.name).collect()
    }
}

#[cfg(test)]
mod tests;
