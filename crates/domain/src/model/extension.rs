//! Directory extensions: the attributes that an organization has registered for its users, and what they hold.
//!
//! A name is `extension_`, the id of the application that registered it, without dashes, and its own name. It is case-sensitive, as in
//! Entra's synchronization.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most extensions that are known of one directory.
pub const EXTENSIONS_MAX: usize = 1_000;

/// What every name begins with.
pub const PREFIX: &str = "extension_";

/// The names of extensions as a pattern, for JSON schemas; [`own_name`] takes the same names apart.
pub(crate) const PATTERN: &str = "^extension_[0-9A-Fa-f]{32}_.+$";

/// How long the id of the application in a name is.
const APPLICATION_LENGTH: usize = 32;

/// What the name of xtsync's own extension ends in, by which it knows its shadow users.
const ANCHOR: &str = "_xtsyncAnchor";

/// The extensions of the users of one directory, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extensions(pub BTreeMap<String, Extension>);

/// What one extension holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Extension {
    /// What one value of it is.
    pub data_type: DataType,
    /// Whether it holds several.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_multi_valued: bool,
}

/// What a value of an extension is, by Microsoft Graph's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataType {
    /// Bytes.
    Binary,
    /// A truth value.
    Boolean,
    /// A moment.
    DateTime,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    LargeInteger,
    /// A text.
    String,
    /// Another one.
    Other,
}

/// Whether a name is that of an extension, whether or not a directory has it.
#[must_use]
pub fn is_extension(name: &str) -> bool {
    own_name(name).is_some()
}

/// What an application has called its extension; `None` for a name that is none of an extension.
#[must_use]
pub fn own_name(name: &str) -> Option<&str> {
    let (application, own) = name.strip_prefix(PREFIX)?.split_once('_')?;
    let is_id = application.len() == APPLICATION_LENGTH && application.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some(own).filter(|own| is_id && !own.is_empty())
}

/// Whether a name is that of the extension in which xtsync keeps which user an object is.
#[must_use]
pub fn is_anchor(name: &str) -> bool {
    is_extension(name) && name.ends_with(ANCHOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_known_by_the_form_of_its_name() {
        for (name, want, anchor) in [
            ("extension_0123456789abcdef0123456789ABCDEF_costCenter", true, false),
            ("extension_0123456789abcdef0123456789abcdef_cost_center", true, false),
            ("extension_0123456789abcdef0123456789abcdef_xtsyncAnchor", true, true),
            ("extension_0123456789abcdef0123456789abcdef_", false, false),
            ("extension_0123456789abcdef0123456789abcdef", false, false),
            ("extension_0123456789abcdef0123456789abcdex_cost", false, false),
            ("extension_1_cost", false, false),
            ("extensionAttribute1", false, false),
            ("city", false, false),
        ] {
            assert_eq!((is_extension(name), is_anchor(name)), (want, anchor), "{name}");
        }
    }

    #[test]
    fn extensions_are_written_by_the_names_of_graph() {
        let json = r#"{"extension_a_x":{"dataType":"String","isMultiValued":true},"extension_a_y":{"dataType":"LargeInteger"}}"#;
        let read: Extensions = serde_json::from_str(json).unwrap();
        assert_eq!(read.0["extension_a_y"], Extension { data_type: DataType::LargeInteger, is_multi_valued: false });
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
