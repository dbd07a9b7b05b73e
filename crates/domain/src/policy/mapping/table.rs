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
pub(super) struct AnyExtension;

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
        self.attribute(name).is_some_and(|attribute| matches!(attribute.target, Target::Clearable | Target::Required))
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
mod tests {
    use super::*;

    fn name(own: &str) -> String {
        format!("extension_0123456789abcdef0123456789abcdef_{own}")
    }

    #[test]
    fn an_extension_holds_what_the_directory_says_and_some_nothing_that_a_mapping_carries() {
        use DataType::{Binary, Boolean, DateTime, Integer, LargeInteger, Other, String};
        for (own, data_type, is_multi_valued, want, why) in [
            ("a", String, false, ValueType::Text, ""),
            ("a", String, true, ValueType::Texts, ""),
            ("a", Boolean, false, ValueType::Flag, ""),
            ("a", DateTime, false, ValueType::Time, ""),
            ("a", Integer, false, ValueType::Number, ""),
            ("a", LargeInteger, false, ValueType::Number, ""),
            ("a", Integer, true, ValueType::Other, "several values that are no texts"),
            ("a", DateTime, true, ValueType::Other, "several values that are no texts"),
            ("a", Binary, false, ValueType::Other, "bytes"),
            ("a", Other, false, ValueType::Other, "its type"),
            ("xtsyncAnchor", String, false, ValueType::Other, "which user an object is"),
        ] {
            let mut extensions = DirectoryExtensions::default();
            extensions.users.0.insert(name(own), Extension { data_type, is_multi_valued });
            let (table, name) = (AttributeTable::new(Some(&extensions)), name(own));
            let attribute = table.attribute(&name).unwrap();
            assert_eq!(attribute.value_type, want, "{data_type:?}");
            assert_eq!((attribute.source, table.is_writable(&name)), (why.is_empty(), why.is_empty()), "{data_type:?}");
            assert_eq!(table.names().contains(&name.as_str()), why.is_empty());
            assert!(match attribute.target {
                Target::Never(said) => !why.is_empty() && said.contains(why),
                Target::Clearable | Target::Required => why.is_empty(),
            });
        }
    }

    #[test]
    fn before_they_are_read_any_extension_may_exist_and_afterwards_only_those_that_were_read() {
        let (unread, none) = (AttributeTable::default(), DirectoryExtensions::default());
        let (read, name) = (AttributeTable::new(Some(&none)), name("a"));
        assert_eq!(unread.attribute(&name).map(|attribute| attribute.value_type), Some(ValueType::Unread));
        assert_eq!((unread.kind(&name), AnyExtension.kind(&name)), (None, Some(Kind::Any)));
        assert!(unread.is_writable(&name) && read.attribute(&name).is_none() && !read.is_writable(&name));
        for table in [unread, read] {
            assert_eq!(table.attribute("city").map(|attribute| attribute.value_type), Some(ValueType::Text));
            assert_eq!((table.attribute("extension_1_a"), table.attribute("badge")), (None, None));
        }
    }
}
