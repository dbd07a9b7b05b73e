//! Names and ids, so that a user's id is never taken for a group's.
//!
//! Tenants are named by us: lower case, short, immutable, and safe in topics, keys and metric labels. Ids are the directory's own:
//! opaque, compared byte by byte once they are in [one spelling](canonical_id).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 40;

/// What a name is, for messages and documents.
pub(crate) const NAME_RULE: &str = "1 to 40 characters of a-z, 0-9 and '-'";

/// Why a text is no tenant name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a name: {rule}", rule = NAME_RULE)]
pub struct InvalidName(pub String);

/// The name of a tenant everywhere: keys, topics, metrics. `[a-z0-9-]{1,40}`, immutable: a rename changes only what administrators
/// write and read ([`crate::resource::Rename`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(String);

impl TenantName {
    /// Takes a text as a tenant's name.
    ///
    /// # Errors
    /// When the text is not `[a-z0-9-]{1,40}`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if is_name(&text) { Ok(Self(text)) } else { Err(InvalidName(text)) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text may name a tenant or another resource.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a text may be a directory's id: it has no control characters, which no directory gives and not every database keeps.
#[must_use]
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

/// A directory's id in the one spelling that we compare: a GUID in lower case (case means nothing in it, RFC 9562), another as it is.
#[must_use]
pub fn canonical_id(text: &str) -> String {
    let is_guid = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| if [8, 13, 18, 23].contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    if is_guid { text.to_ascii_lowercase() } else { text.to_owned() }
}

impl TryFrom<String> for TenantName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl std::str::FromStr for TenantName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> Self {
        name.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A directory's own id of a tenant. A GUID is the same whatever its case (RFC 9562, section 4), and partners are written as typed by
/// people, so the id is kept in lower case: ids that are equal compare equal, as keys too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct DirectoryId(String);

impl DirectoryId {
    /// The id as text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DirectoryId {
    fn from(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }
}

impl From<String> for DirectoryId {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<DirectoryId> for String {
    fn from(id: DirectoryId) -> Self {
        id.0
    }
}

impl fmt::Display for DirectoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

id! {
    /// The id of a user in a source tenant's directory.
    UserId
}
id! {
    /// A group of a tenant, as its directory calls it.
    GroupId
}
id! {
    /// A user object of a target tenant, as its directory calls it.
    TargetId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_any_text_without_control_characters() {
        for (text, valid) in [("8f2c-11", true), ("Ana é", true), ("", false), ("a\0b", false), ("a\nb", false)] {
            assert_eq!(is_id(text), valid, "{text:?}");
        }
    }

    #[test]
    fn a_guid_has_one_spelling_and_another_id_is_as_it_is() {
        for (text, want) in [
            ("8F2C1A00-0000-4000-8000-00000000ABCD", "8f2c1a00-0000-4000-8000-00000000abcd"),
            ("8f2c1a00-0000-4000-8000-00000000abcd", "8f2c1a00-0000-4000-8000-00000000abcd"),
            ("8F2C1A00-0000-4000-8000-00000000ABCG", "8F2C1A00-0000-4000-8000-00000000ABCG"),
            ("8F2C1A0000004000800000000000ABCD", "8F2C1A0000004000800000000000ABCD"),
            ("CN=Ana", "CN=Ana"),
            ("", ""),
        ] {
            assert_eq!(canonical_id(text), want);
        }
    }

    #[test]
    fn directory_ids_are_equal_whatever_their_case() {
        let [id, other] = ["7C1E0F2A-3B4D-4E5F-8A9B-0C1D2E3F4A5B", "7c1e0f2a-3b4d-4e5f-8a9b-0c1d2e3f4a5b"].map(DirectoryId::from);
        assert_eq!(id, other);
        assert_eq!(serde_json::from_str::<DirectoryId>(r#""HUB-ID""#).unwrap(), "hub-id".into());
        assert_ne!(DirectoryId::from("a"), "b".into());
    }

    #[test]
    fn a_tenant_name_is_short_lower_case_and_safe_in_a_topic() {
        for (text, valid) in
            [("contoso-emea", true), ("a", true), ("", false), ("Contoso", false), ("a.b", false), ("a/b", false), (&"x".repeat(41), false)]
        {
            assert_eq!(TenantName::new(text).is_ok(), valid, "{text}");
        }
    }
}
